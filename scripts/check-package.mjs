// Packs what the last build made, and has publint and arethetypeswrong judge the tarball as a registry would serve it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const folder = mkdtempSync(join(tmpdir(), 'mailing-packed-'));
try {
  const words = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [{ filename }] = JSON.parse(execFileSync('npm', words, { encoding: 'utf8' }));
  const tarball = join(folder, filename);
  const { messages, pkg } = await publint({
    pack: { tarball: new Uint8Array(readFileSync(tarball)).buffer },
    strict: true,
  });
  for (const message of messages) console.error(`publint: ${formatMessage(message, pkg, { color: false })}`);
  execFileSync('node_modules/.bin/attw', [tarball], { stdio: 'inherit' });
  if (messages.length > 0) process.exitCode = 1;
} catch (error) {
  // attw has said what is wrong.
  if (typeof error.status !== 'number') throw error;
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
