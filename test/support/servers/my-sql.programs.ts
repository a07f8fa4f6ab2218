import { execFile } from 'node:child_process';
import { access, mkdir, readdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Suites, suitesWithMySql, unpackFrom } from './apt-suites.js';
import { asRoot, which } from './system-programs.js';

const run = promisify(execFile);

/** Debian's stable suite has none: what is called MySQL there is MariaDB. Ubuntu's carry a version in their names (`-8.0`), or none. */
export const PACKAGES: Record<Suites, readonly string[]> = {
  unstable: ['mysql-server-core', 'mysql-client-core'],
  own: ['^mysql-server-core(-[0-9.]+)?$', '^mysql-client-core(-[0-9.]+)?$'],
};
/** For all checkouts on this machine, because it is 400 MB. */
const FOLDER = join(
  process.env.XDG_CACHE_HOME || join(homedir(), '.cache'),
  'nestjs-mailing',
  'mysql-server',
);

/** How mysqld is called; unpacked, it is run by the loader of its own C library. */
export interface MySqlPrograms {
  program: string;
  /** What comes before all options of the server. */
  arguments: readonly string[];
}

/**
 * MySQL's server. If there is none and this process may do so, unpacks that of Debian's unstable suite, or of Ubuntu's own suites.
 *
 * @throws Error with the ways to get a server, if there is none.
 */
export async function mySqlPrograms(): Promise<MySqlPrograms> {
  const present = await find();
  if (present) return present;
  const suites = await suitesWithMySql();
  if (!suites) throw new Error(advice('no mysqld was found'));
  await mkdir(dirname(FOLDER), { recursive: true });
  await unpackFrom(suites, PACKAGES[suites], FOLDER);
  const programs = await unpacked();
  if (!programs) throw new Error(advice(`apt-get could not get it from the ${suites} suites`));
  return programs;
}

/** Whether `mySqlPrograms` has a chance; not so where tests use a given server and nothing may be unpacked. */
export async function canHaveMySql(): Promise<boolean> {
  return (await find()) !== undefined || (await suitesWithMySql()) !== null;
}

function advice(reason: string): string {
  return (
    `The tests need a MySQL server (they have been run with 9.7), and ${reason}: run ` +
    '"docker run --rm -d -p 3307:3306 -e MYSQL_ALLOW_EMPTY_PASSWORD=1 mysql:9.7" and set ' +
    'MAILING_TEST_MYSQL_URL=mysql://root@127.0.0.1:3307, or install a mysqld, which the tests start by themselves: on Ubuntu ' +
    'the package that "apt-cache search mysql-server-core" names (mysql-server-core-8.0 in 24.04), elsewhere that of ' +
    "MySQL's own repository. On Debian and Ubuntu they fetch one by themselves where they run as root."
  );
}

async function find(): Promise<MySqlPrograms | undefined> {
  return (await installed()) ?? unpacked();
}

async function installed(): Promise<MySqlPrograms | undefined> {
  const program = await which('mysqld');
  if (!program) return undefined;
  // MariaDB's server may be called by this name too.
  const { stdout } = await run(program, ['--no-defaults', '--version']);
  return stdout.includes('MariaDB') ? undefined : { program, arguments: ['--no-defaults'] };
}

async function unpacked(): Promise<MySqlPrograms | undefined> {
  const usr = join(FOLDER, 'usr');
  const server = join(usr, 'sbin', 'mysqld');
  const isThere = await access(server).then(
    () => true,
    () => false,
  );
  if (!isThere) return undefined;
  const files = [...(await filesIn('usr/lib')), ...(await filesIn('lib'))];
  const loader = files.find((file) => /lib\/[^/]+\/ld-linux[^/]*\.so\.\d+$/.test(file));
  if (!loader)
    throw new Error(`${FOLDER} has a mysqld and no loader: remove the folder, and it is fetched again.`);
  const libraries = new Set(files.filter((file) => /\/lib[^/]*\.so\.[\d.]+$/.test(file)).map(dirname));
  return {
    program: join(FOLDER, loader),
    arguments: [
      '--library-path',
      [...libraries].map((folder) => join(FOLDER, folder)).join(':'),
      server,
      '--no-defaults',
      `--basedir=${usr}`,
      `--lc-messages-dir=${join(usr, 'share', 'mysql')}`,
      `--plugin-dir=${join(usr, 'lib', 'mysql', 'plugin')}`,
    ],
  };
}

/** Paths within `FOLDER`. Where `lib` is no link to `usr/lib`, as in older systems, packages have both. */
async function filesIn(folder: string): Promise<string[]> {
  const files = await readdir(join(FOLDER, folder), { recursive: true }).catch(() => []);
  return files.map((file) => join(folder, file));
}

/** The folder that its package would read and write files in is not there, and the server refuses to start without it. */
export const NO_FILES = '--secure-file-priv=NULL';

/**
 * Root without a password, by the address that the tests connect to: the only root of a new server is at `localhost`, and
 * whether that name stands for this address is for the resolver of the machine to say.
 */
const FIRST_STATEMENTS = `CREATE USER root@'127.0.0.1' IDENTIFIED BY '';
GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;
`;

/** Makes the system tables of a new server in `dataDirectory`: root without a password, from this machine only. */
export async function createDataDirectory(programs: MySqlPrograms, dataDirectory: string): Promise<void> {
  const folder = dirname(dataDirectory);
  const statements = join(folder, 'first.sql');
  await writeFile(statements, FIRST_STATEMENTS);
  await run(programs.program, [
    ...programs.arguments,
    ...asRoot(),
    '--initialize-insecure',
    `--init-file=${statements}`,
    `--datadir=${dataDirectory}`,
    `--tmpdir=${folder}`,
    NO_FILES,
  ]);
}
