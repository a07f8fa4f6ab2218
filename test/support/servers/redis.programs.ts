import { canInstall, install, which } from './system-programs.js';

/**
 * Unlike `redis-server` this package has no service that could start. Its program that checks dump files is the server itself
 * under another name.
 */
const PACKAGE = 'redis-tools';

/**
 * Path of a program that acts as a Redis server when it is started under the name `redis-server`. Installs Debian's package if
 * there is none and
 * this process may do so.
 *
 * @throws Error with the ways to get a server, if there is none.
 */
export async function redisProgram(): Promise<string> {
  const installed = await find();
  if (installed) return installed;
  if (!(await canInstall())) throw new Error(advice('no redis-server was found'));
  await install([PACKAGE]);
  const program = await find();
  if (!program) throw new Error(advice('apt-get could not install it'));
  return program;
}

/** Whether `redisProgram` has a chance. */
export async function canHaveRedis(): Promise<boolean> {
  return (await find()) !== undefined || (await canInstall());
}

async function find(): Promise<string | undefined> {
  return (await which('redis-server')) ?? which('redis-check-rdb');
}

function advice(reason: string): string {
  return (
    `These tests need a Redis server, and ${reason}: install the package redis-server, or, for those that do not kill it, run ` +
    '"docker run --rm -d -p 6379:6379 redis:7" and set MAILING_TEST_REDIS_URL=redis://127.0.0.1:6379.'
  );
}
