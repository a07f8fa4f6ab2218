import { lstatSync, mkdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';

const OF_OTHERS = 0o077;
const WRITABLE_BY_OTHERS = 0o022;
/** In a folder with it, only the owner of an entry can rename or remove the entry. */
const STICKY = 0o1000;
const ROOT = 0;

/**
 * Makes a folder that no other user can look into, change or exchange, whatever was there before.
 *
 * The folder it lies in may be a link, but must belong to this user or to root, and other users must not be able to change it. Each folder below is
 * made with mode 0700 and then looked at without following links, because it may have been there before.
 *
 * @param base made if it is missing.
 * @param names of the folders below it.
 * @throws Error that says in which folder it is not so, or what the file system answers.
 */
export function makePrivateFolder(base: string, ...names: string[]): string {
  mkdirSync(base, { recursive: true, mode: 0o700 });
  const { uid, mode } = statSync(base);
  if (uid !== ROOT && !isOurs({ uid })) throw new Error(`${base} belongs to another user`);
  if ((mode & WRITABLE_BY_OTHERS) !== 0 && (mode & STICKY) === 0)
    throw new Error(`other users can write to ${base}`);
  return names.reduce((parent, name) => makeOne(join(parent, name)), base);
}

/** True for what belongs to the user of this process. */
export function isOurs({ uid }: Pick<Stats, 'uid'>): boolean {
  return process.geteuid === undefined || uid === process.geteuid();
}

function makeOne(dir: string): string {
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const found = lstatSync(dir);
  if (!found.isDirectory()) throw new Error(`${dir} is no folder`);
  if (!isOurs(found)) throw new Error(`${dir} belongs to another user`);
  if ((found.mode & OF_OTHERS) !== 0) throw new Error(`other users can use ${dir}; chmod 700 helps`);
  return dir;
}
