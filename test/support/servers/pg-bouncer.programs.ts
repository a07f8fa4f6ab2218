import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canInstall, librariesIn, unpack, which } from './system-programs.js';

/** Debian's package starts a service with the machine. So it is only unpacked. */
const PACKAGE = 'pgbouncer';
const FOLDER = fileURLToPath(new URL('../../../node_modules/.cache/pgbouncer', import.meta.url));

export interface PgBouncerPrograms {
  server: string;
  /** Where its libraries are, besides those of the system. */
  libraries: readonly string[];
}

/**
 * Path of pgbouncer. Unpacks Debian's package if there is none and this process may do so.
 *
 * @throws Error with the ways to get it, if there is none.
 */
export async function pgBouncerPrograms(): Promise<PgBouncerPrograms> {
  const present = await find();
  if (present) return present;
  if (!(await canInstall())) throw new Error(advice('no pgbouncer was found'));
  await unpack([PACKAGE], FOLDER);
  const programs = await find();
  if (!programs) throw new Error(advice('apt-get could not get it'));
  return programs;
}

function advice(reason: string): string {
  return `The tests need pgbouncer, and ${reason}: install the package pgbouncer, and stop its service.`;
}

async function find(): Promise<PgBouncerPrograms | undefined> {
  const installed = await which('pgbouncer');
  if (installed) return { server: installed, libraries: [] };
  const server = join(FOLDER, 'usr/sbin/pgbouncer');
  const isThere = await access(server).then(
    () => true,
    () => false,
  );
  return isThere ? { server, libraries: await librariesIn(FOLDER) } : undefined;
}
