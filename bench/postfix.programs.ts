import { access, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canInstall, unpack, which } from '../test/support/system-programs.js';

/** Debian's package starts a mail service with the machine. So it is only unpacked, and its two programs run from there. */
const PACKAGE = 'postfix';
const FOLDER = fileURLToPath(new URL('../node_modules/.cache/postfix', import.meta.url));

/** Programs of postfix in C that take mail and forget it, and that send mail made of nothing. */
export interface PostfixPrograms {
  sink: string;
  source: string;
  /** Where their libraries are, besides those of the system. */
  libraries: string[];
}

/**
 * Unpacks Debian's package if there is none and this process may do so.
 *
 * @throws Error with the ways to get them, if there are none.
 */
export async function postfixPrograms(): Promise<PostfixPrograms> {
  const present = await find();
  if (present) return present;
  if (!(await canInstall())) throw new Error(advice('they were not found'));
  await unpack([PACKAGE], FOLDER);
  const programs = await find();
  if (!programs) throw new Error(advice('apt-get could not get them'));
  return programs;
}

async function find(): Promise<PostfixPrograms | undefined> {
  const [sink, source] = [await which('smtp-sink'), await which('smtp-source')];
  if (sink && source) return { sink, source, libraries: [] };
  const folder = join(FOLDER, 'usr', 'sbin');
  const isUnpacked = await access(join(folder, 'smtp-sink')).then(
    () => true,
    () => false,
  );
  if (!isUnpacked) return undefined;
  const files = await readdir(FOLDER, { recursive: true });
  const libraries = new Set(files.filter((file) => /\/lib[^/]*\.so(\.[\d.]+)?$/.test(file)).map(dirname));
  return {
    sink: join(folder, 'smtp-sink'),
    source: join(folder, 'smtp-source'),
    libraries: [...libraries].map((one) => join(FOLDER, one)),
  };
}

function advice(reason: string): string {
  return `This bench needs smtp-sink and smtp-source of postfix, and ${reason}: install the package postfix (Debian, Fedora, Homebrew).`;
}
