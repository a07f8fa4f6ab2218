import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { waitUntil } from '../wait-until.js';

const run = promisify(execFile);

/**
 * Starts a server in a process of its own, which kills itself, and waits for the server to be gone.
 *
 * @param file of the server, beside this one.
 * @param start what it exports.
 */
export async function assertEndsWithItsStarter(file: string, start: string): Promise<void> {
  const script =
    `import('./test/support/servers/${file}').then(async ({ ${start} }) => {` +
    `console.log((await ${start}()).pid); process.kill(process.pid, 'SIGKILL'); });`;
  const { stdout } = await run(process.execPath, ['--import', 'tsx', '-e', script]).catch(
    (error: { stdout: string }) => error,
  );
  const pid = Number(stdout);
  if (!(pid > 0)) throw new Error(`${start} printed no pid: ${stdout}`);
  const isGone = (): boolean => {
    try {
      return !process.kill(pid, 0);
    } catch {
      return true;
    }
  };
  await waitUntil(isGone, { what: 'the server to be gone' });
}
