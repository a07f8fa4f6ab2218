import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { asRoot, canInstall, install, which } from './system-programs.js';

const run = promisify(execFile);

/** The programs alone: unlike `mariadb-server` these have no service that could start. */
const PACKAGES = ['mariadb-server-core', 'mariadb-client-core'];

export interface MariaDbPrograms {
  server: string;
  installDb: string;
}

/**
 * Paths of MariaDB's programs. Installs Debian's packages if they are missing and this process may do so.
 *
 * @throws Error with the ways to get a server, if there is none.
 */
export async function mariaDbPrograms(): Promise<MariaDbPrograms> {
  const installed = await find();
  if (installed) return installed;
  if (!(await canInstall())) throw new Error(advice('no mariadbd was found'));
  await install(PACKAGES);
  const programs = await find();
  if (!programs) throw new Error(advice('apt-get could not install it'));
  return programs;
}

/** Whether `mariaDbPrograms` has a chance; not so where tests use a given server and nothing may be installed. */
export async function canHaveMariaDb(): Promise<boolean> {
  return (await find()) !== undefined || (await canInstall());
}

function advice(reason: string): string {
  return (
    `The tests need a MariaDB server, and ${reason}: install the package mariadb-server, or run ` +
    '"docker run --rm -d -p 3306:3306 -e MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1 mariadb:10.11" and set ' +
    'MAILING_TEST_DATABASE_URL=mariadb://root@127.0.0.1:3306.'
  );
}

async function find(): Promise<MariaDbPrograms | undefined> {
  // mariadb-install-db calls my_print_defaults, which Debian keeps in another package.
  const [server, installDb, printDefaults] = await Promise.all(
    ['mariadbd', 'mariadb-install-db', 'my_print_defaults'].map((program) => which(program)),
  );
  return server && installDb && printDefaults ? { server, installDb } : undefined;
}

/** Makes the system tables of a new server in `dataDirectory`: root without a password, from this machine only. */
export async function createDataDirectory(programs: MariaDbPrograms, dataDirectory: string): Promise<void> {
  await run(programs.installDb, [
    '--no-defaults',
    ...asRoot(),
    `--datadir=${dataDirectory}`,
    // Two servers that are made at the same moment would use the same name in the temporary directory of all.
    `--tmpdir=${dirname(dataDirectory)}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
  ]);
}
