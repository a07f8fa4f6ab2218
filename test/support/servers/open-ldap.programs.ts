import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canInstall, librariesIn, unpack, which } from './system-programs.js';

/**
 * Debian's package starts a service with the machine, and can't be installed without one. So it is only unpacked, and the
 * server runs from there.
 */
const PACKAGE = 'slapd';
const FOLDER = fileURLToPath(new URL('../../../node_modules/.cache/slapd', import.meta.url));

const SCHEMAS = ['/etc/ldap/schema', '/etc/openldap/schema', '/opt/homebrew/etc/openldap/schema'];
/** Where servers that are built in parts keep them; others have the database built in. */
const MODULES = ['/usr/lib/ldap', '/usr/lib64/openldap', '/usr/lib/openldap'];

export interface OpenLdapPrograms {
  server: string;
  schemas: string;
  modules: string | undefined;
  /** Where its libraries are, besides those of the system. */
  libraries: string[];
}

/**
 * Paths of OpenLDAP's server and what belongs to it. Unpacks Debian's package if there is none and this process may do so.
 *
 * @throws Error with the ways to get a server, if there is none.
 */
export async function openLdapPrograms(): Promise<OpenLdapPrograms> {
  const present = await find();
  if (present) return present;
  if (!(await canInstall())) throw new Error(advice('no slapd was found'));
  await unpack([PACKAGE], FOLDER);
  const programs = await find();
  if (!programs) throw new Error(advice('apt-get could not get it'));
  return programs;
}

/** Whether `openLdapPrograms` has a chance. */
export async function canHaveOpenLdap(): Promise<boolean> {
  return (await find()) !== undefined || (await canInstall());
}

async function find(): Promise<OpenLdapPrograms | undefined> {
  return (await findBelow('')) ?? findBelow(FOLDER);
}

async function findBelow(root: string): Promise<OpenLdapPrograms | undefined> {
  const unpacked = join(root, '/usr/sbin/slapd');
  const server = root === '' ? await which('slapd') : (await isThere(unpacked)) ? unpacked : undefined;
  const schemas = await first(
    SCHEMAS.map((folder) => join(root, folder)),
    'inetorgperson.schema',
  );
  if (!server || !schemas) return undefined;
  const modules = await first(
    MODULES.map((folder) => join(root, folder)),
    'back_mdb.la',
  );
  return { server, schemas, modules, libraries: root === '' ? [] : await librariesIn(root) };
}

async function first(folders: string[], file: string): Promise<string | undefined> {
  for (const folder of folders) if (await isThere(join(folder, file))) return folder;
  return undefined;
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function advice(reason: string): string {
  return `These tests need the OpenLDAP server slapd, and ${reason}: install the package slapd (Debian) or openldap-servers.`;
}
