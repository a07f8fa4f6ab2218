import { access, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canInstall, unpack, which } from '../../test/support/servers/system-programs.js';

/** Debian's package starts a mail service with the machine. So it is only unpacked, and its two programs run from there. */
const PACKAGE = 'postfix';
const FOLDER = fileURLToPath(new URL('../../node_modules/.cache/postfix', import.meta.url));

/** Programs of postfix in C: one discards mail, one sends generated mail. */
export interface PostfixPrograms {
  sink: string;
  source: string;
  /** Where their libraries are, besides those of the system. */
  libraries: string[];
}

/**
 * Unpacks Debian's package if there is none and this process may do so.
 *
 * @returns null if they are missing and can't be fetched.
 */
export async function postfixPrograms(): Promise<PostfixPrograms | null> {
  const present = await find();
  if (present || !(await canInstall())) return present;
  await unpack([PACKAGE], FOLDER);
  return find();
}

async function find(): Promise<PostfixPrograms | null> {
  const [sink, source] = [await which('smtp-sink'), await which('smtp-source')];
  if (sink && source) return { sink, source, libraries: [] };
  const folder = join(FOLDER, 'usr', 'sbin');
  const isUnpacked = await access(join(folder, 'smtp-sink')).then(
    () => true,
    () => false,
  );
  if (!isUnpacked) return null;
  const files = await readdir(FOLDER, { recursive: true });
  const libraries = new Set(files.filter((file) => /\/lib[^/]*\.so(\.[\d.]+)?$/.test(file)).map(dirname));
  return {
    sink: join(folder, 'smtp-sink'),
    source: join(folder, 'smtp-source'),
    libraries: [...libraries].map((one) => join(FOLDER, one)),
  };
}

export function withLibraries(libraries: string[]): NodeJS.ProcessEnv {
  return libraries.length > 0 ? { ...process.env, LD_LIBRARY_PATH: libraries.join(':') } : process.env;
}
