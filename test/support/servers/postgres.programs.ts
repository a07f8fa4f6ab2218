import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { canInstall, install, which } from './system-programs.js';

const run = promisify(execFile);

/** Debian keeps every version in a folder of its own. */
const VERSIONS = '/usr/lib/postgresql';
const MORE_FOLDERS = ['/usr/local/pgsql/bin'];

/** Read by Debian's package while it is installed; without it a cluster would be made and its service started. */
const NO_CLUSTER = {
  folder: '/etc/postgresql-common/createcluster.d',
  file: 'mailing-tests.conf',
  text: 'create_main_cluster = false\n',
};

export interface PostgresPrograms {
  server: string;
  initdb: string;
  /** Copies a running server. */
  baseBackup: string;
}

/** The account that the server runs as. */
export interface Account {
  uid: number;
  gid: number;
}

/**
 * Paths of PostgreSQL's programs. Installs Debian's package if they are missing and this process may do so.
 *
 * @throws Error with the ways to get a server, if there is none.
 */
export async function postgresPrograms(): Promise<PostgresPrograms> {
  const installed = await find();
  if (installed) return installed;
  if (!(await canInstall())) throw new Error(advice('no postgres was found'));
  await mkdir(NO_CLUSTER.folder, { recursive: true });
  await writeFile(join(NO_CLUSTER.folder, NO_CLUSTER.file), NO_CLUSTER.text);
  try {
    await install(['postgresql']);
  } finally {
    await rm(join(NO_CLUSTER.folder, NO_CLUSTER.file), { force: true });
  }
  const programs = await find();
  if (!programs) throw new Error(advice('apt-get could not install it'));
  return programs;
}

/** Whether `postgresPrograms` has a chance; not so where tests use a given server and nothing may be installed. */
export async function canHavePostgres(): Promise<boolean> {
  return (await find()) !== undefined || (await canInstall());
}

function advice(reason: string): string {
  return (
    `The tests need a PostgreSQL server, and ${reason}: install the package postgresql, or run ` +
    '"docker run --rm -d -p 5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust postgres:17" and set ' +
    'MAILING_TEST_POSTGRES_URL=postgres://postgres@127.0.0.1:5432.'
  );
}

async function find(): Promise<PostgresPrograms | undefined> {
  const versions = await readdir(VERSIONS).catch(() => [] as string[]);
  const newestFirst = versions.sort((a, b) => Number(b) - Number(a));
  const folders = [...newestFirst.map((version) => join(VERSIONS, version, 'bin')), ...MORE_FOLDERS];
  const [server, initdb, baseBackup] = await Promise.all(
    ['postgres', 'initdb', 'pg_basebackup'].map((program) => which(program, folders)),
  );
  return server && initdb && baseBackup ? { server, initdb, baseBackup } : undefined;
}

/** PostgreSQL refuses to run as root, so then it runs under an account without rights. @returns null for the current account. */
export async function unprivilegedAccount(): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null;
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const found = ['postgres', 'nobody'].map((name) => lines.find(([user]) => user === name)).find(Boolean);
  if (!found) throw new Error('The tests run as root, and there is no user "postgres" or "nobody".');
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

/** Makes a standby in `dataDirectory`: a copy of the server with this URL, which it follows from its start. */
export async function copyCluster(
  programs: PostgresPrograms,
  dataDirectory: string,
  account: Account | null,
  url: string,
): Promise<void> {
  await run(
    programs.baseBackup,
    [
      `--dbname=${url}`,
      `--pgdata=${dataDirectory}`,
      '--write-recovery-conf',
      '--wal-method=stream',
      '--checkpoint=fast',
      '--no-sync',
    ],
    { ...account, cwd: '/' },
  );
}

/** Makes a cluster in `dataDirectory`, in UTF-8; its superuser is `postgres` and has no password. */
export async function createCluster(
  programs: PostgresPrograms,
  dataDirectory: string,
  account: Account | null,
): Promise<void> {
  await run(
    programs.initdb,
    [
      `--pgdata=${dataDirectory}`,
      '--username=postgres',
      '--auth=trust',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ],
    // initdb looks at the folder it is called in, which may be closed to that user.
    { ...account, cwd: '/' },
  );
}
