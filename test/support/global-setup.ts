import { chmod, mkdtemp, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVER_KINDS } from './databases/database-kinds.js';
import { Reaper } from './reaper.js';
import { ServerBroker } from './databases/server-broker.js';
import { assertGivenServers } from './databases/test-servers.js';

/**
 * Once for a run: the broker of database servers, and a temporary directory for all that the tests
 * write. Workers and their child processes inherit them as environment variables.
 */
export default async function setup(): Promise<() => Promise<void>> {
  await assertGivenServers(SERVER_KINDS);

  const directory = await mkdtemp(join(await roomyMemory(), 'mailing-test-'));
  // A server that does not run as root must reach its own folder in it.
  await chmod(directory, 0o711);
  const reaper = new Reaper(directory);
  // Windows asks for the other two.
  for (const name of ['TMPDIR', 'TEMP', 'TMP']) process.env[name] = directory;
  // The journals of servers that name no folder for them.
  process.env.XDG_STATE_HOME = await mkdtemp(join(directory, 'state-'));
  const broker = await ServerBroker.start();

  return async () => {
    await broker[Symbol.asyncDispose]();
    await reaper.reap();
  };
}

/** A folder that is memory, and has room for what a whole run writes. */
const MEMORY = '/dev/shm';
const ROOM_BYTES = 8 * 2 ** 30;

/**
 * Where the files of a run are. Databases call `fsync` at each commit and each table, which is most of the time of a small test on a disk; no test
 * takes the power away, so none needs it.
 */
async function roomyMemory(): Promise<string> {
  const { bavail, bsize } = await statfs(MEMORY).catch(() => ({ bavail: 0, bsize: 0 }));
  return bavail * bsize >= ROOM_BYTES ? MEMORY : tmpdir();
}
