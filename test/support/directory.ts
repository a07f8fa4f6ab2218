import type { LdapEntry } from './ldif.js';
import { SUFFIX } from './ldap.server.js';

export const PEOPLE = `ou=People,${SUFFIX}`;

/** The parent of all people, for the list of entries. */
export const PEOPLE_ENTRY: LdapEntry = { dn: PEOPLE, objectClass: 'organizationalUnit', ou: 'People' };

/** A person whose name is given as it is, and as it is written in a distinguished name. */
export function person(
  dn: string,
  cn: string,
  mail: string,
  more: Record<string, string | readonly string[]> = {},
): LdapEntry {
  return { dn, objectClass: 'inetOrgPerson', cn, sn: cn, mail, ...more };
}

/** `cn=Reader 0,ou=People,…` with `reader0@home.example`, and so on. */
export function readers(count: number): LdapEntry[] {
  return Array.from({ length: count }, (_, n) =>
    person(`cn=Reader ${n},${PEOPLE}`, `Reader ${n}`, `reader${n}@home.example`),
  );
}
