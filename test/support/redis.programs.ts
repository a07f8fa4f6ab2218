import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/**
 * Unlike `redis-server` this package has no service that could start. Its program that checks dump files is the server
 * itself, which goes by the name it is called.
 */
const PACKAGE = 'redis-tools';
const PROGRAMS = ['redis-server', 'redis-check-rdb'];

/** Where systems keep servers; often not in the PATH of ordinary users. */
const FOLDERS = ['/usr/bin', '/usr/local/bin', '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin'];

/**
 * Path of a program that is a Redis server when it is called `redis-server`. Installs Debian's package if there is none and
 * this process may do so.
 *
 * @throws Error with the ways to get a server, if there is none.
 */
export async function redisProgram(): Promise<string> {
  const installed = await find(PROGRAMS);
  if (installed) return installed;
  if (!(await canInstall())) throw new Error(advice('no redis-server was found'));

  process.stderr.write(`No redis-server was found: apt-get installs ${PACKAGE}.\n`);
  // The lists of a fresh machine are empty, or name versions that the mirror no longer has.
  if (!(await aptInstall())) await apt('update').then(aptInstall);
  const program = await find(PROGRAMS);
  if (!program) throw new Error(advice('apt-get could not install it'));
  return program;
}

/** Whether `redisProgram` has a chance. */
export async function canHaveRedis(): Promise<boolean> {
  return (await find(PROGRAMS)) !== undefined || (await canInstall());
}

async function canInstall(): Promise<boolean> {
  return process.getuid?.() === 0 && (await find(['apt-get'])) !== undefined;
}

function advice(reason: string): string {
  return (
    `These tests need a Redis server, and ${reason}: install the package redis-server, or, for those that do not kill it, run ` +
    '"docker run --rm -d -p 6379:6379 redis:7" and set MAILING_TEST_REDIS_URL=redis://127.0.0.1:6379.'
  );
}

async function find(programs: string[]): Promise<string | undefined> {
  for (const program of programs) {
    for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...FOLDERS]) {
      const path = join(folder, program);
      const isThere = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (isThere) return path;
    }
  }
  return undefined;
}

function aptInstall(): Promise<boolean> {
  return apt('install', '-y', '--no-install-recommends', PACKAGE);
}

async function apt(...words: string[]): Promise<boolean> {
  // All output goes to stderr: stdout of the test run ends with a line that programs read.
  const child = spawn('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', ...words], {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code === 0;
}
