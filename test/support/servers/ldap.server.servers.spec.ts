import { Client, type SearchResult } from 'ldapts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LdapServer, READER, startLdap, SUFFIX } from './ldap.server.js';
import { assertEndsWithItsStarter } from './orphan.js';
import { canHaveOpenLdap } from './open-ldap.programs.js';

const ANN = { dn: `cn=Ann,${SUFFIX}`, objectClass: ['inetOrgPerson'], cn: 'Ann', sn: 'Müller' };

describe.skipIf(!(await canHaveOpenLdap()))('LdapServer', () => {
  let server: LdapServer;

  beforeEach(async () => {
    server = await startLdap({ entries: [ANN] });
  });
  afterEach(() => server.stop());

  async function search(base: string, login?: typeof READER): Promise<SearchResult> {
    const client = new Client({ url: server.url, timeout: 5_000 });
    try {
      if (login) await client.bind(login.bindDn, login.bindPassword);
      return await client.search(base, { scope: 'base', attributes: ['sn'] });
    } finally {
      await client.unbind();
    }
  }

  it('listens on loopback, and shows its entries after a login', async () => {
    expect(new URL(server.url).hostname).toBe('127.0.0.1');
    expect((await search(ANN.dn, READER)).searchEntries).toEqual([{ dn: ANN.dn, sn: 'Müller' }]);
    await expect(search(ANN.dn)).rejects.toThrow('0x20');
    await expect(search(ANN.dn, { ...READER, bindPassword: 'guess' })).rejects.toThrow('0x31');
  });

  it('restarts after a kill, on the same URL and with the changed data', async () => {
    const { url, pid } = server;
    await server.change((admin) => admin.del(ANN.dn));

    await server.kill();
    expect(server.pid).toBeUndefined();
    await expect(search(SUFFIX, READER)).rejects.toThrow('ECONNREFUSED');
    await server.start();

    expect(server.url).toBe(url);
    expect(server.pid).not.toBe(pid);
    expect((await search(SUFFIX, READER)).searchEntries).toHaveLength(1);
    await expect(search(ANN.dn, READER)).rejects.toThrow('0x20');
  });

  it('leaves no process behind', async () => {
    const pid = server.pid!;
    await server.stop();

    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('ends with the process that started it, even if that is killed', async () => {
    await expect(assertEndsWithItsStarter('ldap.server.ts', 'startLdap')).resolves.toBeUndefined();
  });
});
