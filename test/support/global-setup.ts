import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMariaDb } from './maria-db.server.js';
import { Reaper } from './reaper.js';
import { TEST_DATABASE_URL } from './test-database-url.js';

/**
 * Once for a run: a database server, the given one or a private one, and a temporary directory for all that the
 * tests write. Workers and their child processes inherit both as environment variables.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const server = process.env[TEST_DATABASE_URL] ? undefined : await startMariaDb();
  if (server) process.env[TEST_DATABASE_URL] = server.url;

  const directory = await mkdtemp(join(tmpdir(), 'mailing-test-'));
  const reaper = new Reaper(directory);
  process.env.TMPDIR = directory;

  return async () => {
    await server?.stop();
    await reaper.reap();
  };
}
