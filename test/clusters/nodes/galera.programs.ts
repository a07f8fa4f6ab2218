import { access, copyFile, mkdir, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canInstall, unpack, which } from '../../support/servers/system-programs.js';

/** Debian keeps the scripts of the state transfer in the package of the service. It is only unpacked, so no service starts. */
const PACKAGES = ['galera-4', 'rsync', 'mariadb-server'];
const FOLDER = fileURLToPath(new URL('../../../node_modules/.cache/galera', import.meta.url));
const PROVIDER = 'libgalera_smm.so';
const SYSTEM_PROVIDER = join('/usr/lib/galera', PROVIDER);
const SCRIPTS = ['wsrep_sst_common', 'wsrep_sst_rsync'];

/** What a node needs in addition to MariaDB's own programs. */
interface GaleraFiles {
  provider: string;
  programs: readonly string[];
  libraries: readonly string[];
}

export interface GaleraPrograms {
  provider: string;
  /** Environment of the state transfer. */
  env: Readonly<Record<string, string>>;
}

/**
 * Galera's provider and the programs of its state transfer, copied into a folder, because nodes do not run as root and can't read
 * root's own folders. Unpacks Debian's packages if they are missing.
 *
 * @throws Error with the ways to get them, if there are none.
 */
export async function galeraProgramsIn(folder: string): Promise<GaleraPrograms> {
  const files = await galeraFiles();
  const [programs, libraries] = [join(folder, 'bin'), join(folder, 'lib')];
  await Promise.all([programs, libraries].map((one) => mkdir(one, { recursive: true })));
  const copies = [
    ...files.programs.map((file) => [file, programs]),
    ...[files.provider, ...files.libraries].map((file) => [file, libraries]),
  ];
  for (const [file, place] of copies) await copyFile(file, join(place, basename(file)));
  return {
    provider: join(libraries, PROVIDER),
    env: { PATH: `${programs}:${process.env.PATH ?? ''}:/usr/sbin:/sbin`, LD_LIBRARY_PATH: libraries },
  };
}

async function galeraFiles(): Promise<GaleraFiles> {
  const present = (await installed()) ?? (await unpacked());
  if (present) return present;
  if (await canInstall()) {
    await mkdir(dirname(FOLDER), { recursive: true });
    await unpack(PACKAGES, FOLDER);
  }
  const files = await unpacked();
  if (files) return files;
  throw new Error(
    `The cluster needs Galera, and there is no ${SYSTEM_PROVIDER}, or no rsync, or no ${SCRIPTS.join(' or ')}: install the packages ` +
      `${PACKAGES.join(', ')}. On Debian and Ubuntu they are fetched and unpacked where the drills run as root.`,
  );
}

async function installed(): Promise<GaleraFiles | null> {
  if (!(await isThere(SYSTEM_PROVIDER))) return null;
  const programs = await Promise.all(['rsync', ...SCRIPTS].map((program) => which(program)));
  const isComplete = programs.every((program) => program !== undefined);
  return isComplete ? { provider: SYSTEM_PROVIDER, programs, libraries: [] } : null;
}

async function unpacked(): Promise<GaleraFiles | null> {
  const provider = join(FOLDER, SYSTEM_PROVIDER);
  if (!(await isThere(provider))) return null;
  const programs = ['rsync', ...SCRIPTS].map((program) => join(FOLDER, 'usr/bin', program));
  const files = await readdir(FOLDER, { recursive: true });
  // Libraries that rsync needs and systems may lack; links are resolved when copied.
  const libraries = files
    .filter((file) => /\/libpopt\.so\.\d+$/.test(file))
    .map((file) => join(FOLDER, file));
  return { provider, programs, libraries };
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
