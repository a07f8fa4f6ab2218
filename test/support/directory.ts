import type { Type } from '@nestjs/common';
import { type LdapProfileOptions, LdapProfileRepository } from 'nestjs-mailing/ldap';
import { afterEach } from 'vitest';
import { type LdapServer, type LdapServerOptions, READER, startLdap, SUFFIX } from './servers/ldap.server.js';
import type { LdapEntry } from './servers/ldif.js';

export const PEOPLE = `ou=People,${SUFFIX}`;

const PARENT: LdapEntry = { dn: PEOPLE, objectClass: 'organizationalUnit', ou: 'People' };

/** A person entry with its distinguished name, common name and address. */
export function person(
  dn: string,
  cn: string | string[],
  mail: string,
  more: Record<string, string | readonly string[]> = {},
): LdapEntry {
  return { dn, objectClass: 'inetOrgPerson', cn, sn: 'X', mail, ...more };
}

/** `cn=Reader 0,ou=People,…` with `reader0@home.example`, and so on. */
export function readers(count: number): LdapEntry[] {
  return Array.from({ length: count }, (_, n) =>
    person(`cn=Reader ${n},${PEOPLE}`, `Reader ${n}`, `reader${n}@home.example`),
  );
}

/** Call it inside `describe`. @returns what starts a directory with these people; it is gone after the test. */
export function directories(): (
  people: readonly LdapEntry[],
  options?: LdapServerOptions,
) => Promise<LdapServer> {
  const servers: LdapServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });
  return async (people, options) => {
    const server = await startLdap({ ...options, entries: [PARENT, ...people] });
    servers.push(server);
    return server;
  };
}

/** The class that a host would write, with a login that may read everything. */
export function profilesOf(url: string, more: Partial<LdapProfileOptions> = {}): Type<LdapProfileRepository> {
  return class Profiles extends LdapProfileRepository {
    constructor() {
      super({ url, ...READER, base: PEOPLE, ...more });
    }
  };
}
