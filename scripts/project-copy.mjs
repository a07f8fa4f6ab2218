// Runs commands in a copy of this folder, so that what they install stays out of it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const LEFT_OUT = new Set(['node_modules', 'dist', '.git', 'docs-api']);

/** What every installation in a copy is told. */
export const QUIETLY = ['--no-audit', '--no-fund', '--prefer-offline'];

/** @param work gets the folder of the copy, and a function that runs a program there and throws unless it succeeds. */
export async function inProjectCopy(work) {
  const folder = mkdtempSync(join(tmpdir(), 'mailing-copy-'));
  process.on('SIGINT', () => {});
  try {
    cpSync('.', folder, { recursive: true, filter: (path) => !LEFT_OUT.has(basename(path)) });
    await work(folder, (program, ...words) => run(folder, program, words));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(cwd, program, words) {
  const child = spawn(program, words, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${program} ${words.join(' ')}: exit code ${code}`);
}
