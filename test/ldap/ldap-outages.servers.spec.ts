import { LdapUnavailableError } from 'nestjs-mailing/ldap';
import { describe, expect, it } from 'vitest';
import { directories, PEOPLE, profilesOf, readers } from '../support/directory.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { type LdapServer, READER } from '../support/servers/ldap.server.js';
import { INFO, MailingRig } from '../support/hosts/mailing-rig.js';
import { canHaveOpenLdap } from '../support/servers/open-ldap.programs.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { waitUntil } from '../support/wait-until.js';

const hasLdap = await canHaveOpenLdap();
const COUNT = 40;
/** Small commits, so that an outage falls between two of them. */
const run = { concurrency: 2, maxInDoubt: 4 };

forEachDatabase('an outage of the directory in the middle of a mailing', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const directory = directories();

  /** A mailing to all entries; its tenth message is answered once `happens` has resolved. Resolves when the run has noticed the outage. */
  async function mailing(server: LdapServer, happens: () => Promise<void>): Promise<string> {
    const profileRepository = profilesOf(server.url, { timeoutMs: 1_000 });
    const app = await rig.boot({ profileRepository, run });
    let felt: (() => void) | undefined;
    const isFelt = new Promise<void>((resolve) => (felt = resolve));
    let event: Promise<void> | undefined;
    rig.inbox.answer = async ({ command }) => {
      if (command !== 'END' || rig.inbox.messages.length < 10) return;
      if (!event && felt) app.events.on('transport:down', felt);
      await (event ??= happens());
    };
    const list = Array.from({ length: COUNT }, (_, n) => ({ userId: `cn=Reader ${n},${PEOPLE}` }));
    const { mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    await isFelt;
    await event;
    return mailingId as string;
  }

  it.skipIf(!hasLdap)(
    'by a kill: the mailing waits, each recipient gets one message, and none is skipped',
    async () => {
      const server = await directory(readers(COUNT));
      const id = await mailing(server, () => server.kill());
      const { byStatus, mailing: row } = await rig.progress(id);
      expect([row.status, byStatus.skipped, byStatus.error]).toEqual(['in_progress', undefined, undefined]);
      await server.start();
      await rig.reached(id, 'completed', 20_000);
      await rig.assertAllSent(id, COUNT);
    },
  );

  it.skipIf(!hasLdap)(
    'by a server that accepts connections and answers nothing: the mailing waits',
    async () => {
      const server = await directory(readers(COUNT));
      const id = await mailing(server, () => server.freeze());
      server.thaw();
      await rig.reached(id, 'completed', 20_000);
      await rig.assertAllSent(id, COUNT);
    },
  );
});

describe.skipIf(!hasLdap)('a directory that can not be queried', () => {
  const rig = MailingRig.forEachTest('sqlite');
  const directory = directories();
  const [ann] = readers(1);

  it('pauses the mailing with its reason after transportOutageTimeoutMs, without the password', async () => {
    const server = await directory([ann]);
    await server.kill();
    const app = await rig.boot({
      profileRepository: profilesOf(server.url),
      run: { transportOutageTimeoutMs: 0 },
    });
    const { mailingId } = await app.sender.sendEmailMessage(INFO, [{ userId: ann.dn }], { persist: true });
    const { statusReason } = await rig.reached(mailingId as string, 'paused');
    expect(statusReason).toContain(`profiles: The directory ${server.url} failed at connecting`);
    expect(statusReason).toContain('ECONNREFUSED');
    expect(statusReason).not.toContain(READER.bindPassword);

    await server.start();
    await app.sender.resume(mailingId as string);
    await rig.reached(mailingId as string, 'completed');
    await rig.assertAllSent(mailingId as string, 1);
  });

  it.each([
    ['logging in', 'See bindDn', { bindPassword: 'guess' }],
    ['logging in', 'See bindDn', { startTls: true }],
    // An anonymous user sees nothing there, not even that there is a base.
    ['a look-up', `shows no entry ${PEOPLE}`, { bindDn: undefined, bindPassword: undefined }],
    ['a look-up', 'shows no entry o=gone', { base: 'o=gone' }],
  ])('names the step that failed in the reason: %s: %s', async (step, words, options) => {
    const server = await directory([ann]);
    const profiles = new (profilesOf(server.url, options))();
    const error: unknown = await profiles.findByIds([ann.dn, `cn=gone,${PEOPLE}`]).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(LdapUnavailableError);
    expect(error).toMatchObject({ code: 'MAILING_LDAP_UNAVAILABLE', step, url: server.url });
    expect((error as Error).message).toContain(words);
  });

  it('fails the lookup when the server does not even greet', async () => {
    const server = await directory([ann]);
    await using proxy = await TcpProxy.start(server.url);
    proxy.split();
    const profiles = new (profilesOf(proxy.url, { connectTimeoutMs: 200 }))();
    await expect(profiles.findByIds([ann.dn])).rejects.toThrow('not connected within 200 ms');
    proxy.heal();
    expect((await profiles.findByIds([ann.dn])).size).toBe(1);
  });

  it('is not queried again when the application ends while a connection is being opened', async () => {
    const server = await directory([ann]);
    await using proxy = await TcpProxy.start(server.url);
    const profiles = new (profilesOf(proxy.url))();
    const asked = profiles.findByIds([ann.dn]).catch(() => undefined);
    await profiles.onApplicationShutdown();
    await asked;
    expect(proxy.numConnections).toBe(1);
    await waitUntil(() => proxy.numOpen === 0, { what: 'the connection to be closed' });
  });

  it('is queried again at once, as the same user, where a kept connection has broken unnoticed', async () => {
    const server = await directory([ann]);
    const profiles = new (profilesOf(server.url, { base: null }))();
    expect((await profiles.findByIds([ann.dn])).size).toBe(1);
    await server.kill();
    await server.start();
    expect((await profiles.findByIds([ann.dn])).size).toBe(1);

    await using proxy = await TcpProxy.start(server.url);
    const others = new (profilesOf(proxy.url, { base: null, timeoutMs: 300 }))();
    expect((await others.findByIds([ann.dn])).size).toBe(1);
    proxy.forget();
    expect((await others.findByIds([ann.dn])).size).toBe(1);
  });

  it('is never queried anonymously, which would make profiles seem to not exist', async () => {
    const people = readers(50);
    const server = await directory(people);
    await using proxy = await TcpProxy.start(server.url);
    const profiles = new (profilesOf(proxy.url, { base: null, maxConcurrentLookups: 1 }))();
    const ids = people.map(({ dn }) => dn);
    expect((await profiles.findByIds(ids)).size).toBe(50);
    const found = profiles.findByIds(ids);
    // The first query has been sent.
    await new Promise((resolve) => setImmediate(resolve));
    proxy.cut();
    expect((await found).size).toBe(50);
    expect(proxy.numConnections).toBe(2);
  });

  it('has one connection for all commits, however few lookups may run at a time', async () => {
    const people = readers(200);
    const server = await directory(people);
    await using proxy = await TcpProxy.start(server.url);
    const profiles = new (profilesOf(proxy.url, { maxConcurrentLookups: 20 }))();
    const ids = people.map(({ dn }) => dn);
    const commits = await Promise.all(
      [ids.slice(0, 120), ids.slice(80)].map((some) => profiles.findByIds(some)),
    );
    expect(commits.map(({ size }) => size)).toEqual([120, 120]);
    expect(proxy.numConnections).toBe(1);
  });
});
