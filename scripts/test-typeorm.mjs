// Runs the tests of the databases with another TypeORM, in a copy of this folder: node scripts/test-typeorm.mjs 0.3.31 [arguments of Vitest].
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const [version = '0.3.31', ...args] = process.argv.slice(2);
const LEFT_OUT = new Set(['node_modules', 'dist', '.git', 'docs-api']);

const folder = mkdtempSync(join(tmpdir(), 'mailing-typeorm-'));
process.on('SIGINT', () => {});
try {
  cpSync('.', folder, { recursive: true, filter: (path) => !LEFT_OUT.has(basename(path)) });
  await run('npm', 'ci', '--no-audit', '--no-fund', '--prefer-offline');
  await run(
    'npm',
    'install',
    '--no-save',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    `typeorm@${version}`,
  );
  await run('npx', 'tsc', '--noEmit', '-p', '.');
  const projects = ['--project', 'databases', '--project', 'servers'];
  await run('npx', 'vitest', 'run', ...projects, ...args);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function run(program, ...words) {
  const child = spawn(program, words, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${program} ${words.join(' ')}: exit code ${code}`);
}
