import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Reaper } from './reaper.js';
import { startTestServers } from './test-servers.js';

/**
 * Once for a run: the database servers, given ones or private ones, and a temporary directory for all that the tests
 * write. Workers and their child processes inherit them as environment variables.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const stopServers = await startTestServers(['mariadb', 'mysql', 'postgres']);

  const directory = await mkdtemp(join(tmpdir(), 'mailing-test-'));
  // A server that may not run as root has its folder in there.
  await chmod(directory, 0o711);
  const reaper = new Reaper(directory);
  process.env.TMPDIR = directory;

  return async () => {
    await stopServers();
    await reaper.reap();
  };
}
