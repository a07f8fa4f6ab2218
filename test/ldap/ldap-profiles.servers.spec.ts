import { type Recipient, RecipientListError, type Recipients } from 'nestjs-mailing';
import { LdapOptionsError, LdapUnavailableError, recipientsFromLdap } from 'nestjs-mailing/ldap';
import { describe, expect, it } from 'vitest';
import { assertProgressAddsUp } from '../support/databases/stored-progress.js';
import { directories, PEOPLE, person, profilesOf, readers } from '../support/directory.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { READER, SUFFIX } from '../support/servers/ldap.server.js';
import { LdapTap } from '../support/servers/ldap-tap.js';
import { INFO, MailingRig } from '../support/hosts/mailing-rig.js';
import { canHaveOpenLdap } from '../support/servers/open-ldap.programs.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { waitUntil } from '../support/wait-until.js';

const hasLdap = await canHaveOpenLdap();

/** Distinguished names as hosts write them, and the entry of each. */
const NAMES: [asked: string, cn: string, rdn: string][] = [
  [`CN=Müller\\, Ann,OU=People,${SUFFIX}`, 'Müller, Ann', 'cn=Müller\\, Ann'],
  [`cn=Gr\\C3\\BCn\\2C Bob,${PEOPLE}`, 'Grün, Bob', 'cn=Grün\\, Bob'],
  [`cn=1\\+1 is 2,${PEOPLE}`, '1+1 is 2', 'cn=1\\+1 is 2'],
  [`cn=Cy \\"The Boss\\" Ott,${PEOPLE}`, 'Cy "The Boss" Ott', 'cn=Cy \\"The Boss\\" Ott'],
  [`cn=back\\\\slash \\<a\\>\\;b\\=c,${PEOPLE}`, 'back\\slash <a>;b=c', 'cn=back\\\\slash \\<a\\>\\;b\\=c'],
  [`cn=\\#1 Fan\\ ,${PEOPLE}`, '#1 Fan', 'cn=\\#1 Fan'],
  [`cn=李小龍 🐉,${PEOPLE}`, '李小龍 🐉', 'cn=李小龍 🐉'],
  [`cn=(paren*theses)/slash,${PEOPLE}`, '(paren*theses)/slash', 'cn=(paren*theses)/slash'],
  [` CN = zoë  ab ,  Ou=PEOPLE , DC=Shop,dc=EXAMPLE`, 'Zoë Ab', 'cn=Zoë Ab'],
];

forEachDatabase('profiles in a directory', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const directory = directories();

  it.skipIf(!hasLdap)('are found by any spelling of their distinguished names', async () => {
    const entries = NAMES.map(([, cn, rdn], n) => person(`${rdn},${PEOPLE}`, cn, `p${n}@home.example`));
    const two = person(`cn=Dee+sn=X,${PEOPLE}`, 'Dee', 'dee@home.example');
    // 255 characters, and more bytes.
    const unit = {
      dn: `ou=${'é'.repeat(115)},${PEOPLE}`,
      objectClass: 'organizationalUnit',
      ou: 'é'.repeat(115),
    };
    const longName = 'ü'.repeat(255 - `cn=,${unit.dn}`.length);
    const long = person(`cn=${longName},${unit.dn}`, longName, 'long@home.example');
    const { url } = await directory([...entries, two, unit, long]);
    const app = await rig.boot({ profileRepository: profilesOf(url) });

    const ids = [...NAMES.map(([asked]) => asked), `SN=x + CN=dee,${PEOPLE}`, long.dn];
    const list = ids.map((userId) => ({ userId }));
    const { mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    await rig.reached(mailingId as string, 'completed');

    await rig.assertAllSent(mailingId as string, ids.length);
    const shown = new Map<unknown, string>();
    for (const message of rig.inbox.messages) shown.set(message.to[0], (await message.parsed()).text ?? '');
    for (const [n, [, cn]] of NAMES.entries())
      expect(shown.get(`p${n}@home.example`)).toContain(`Dear ${cn} <`);
    expect(long.dn).toHaveLength(255);
  });

  it.skipIf(!hasLdap)(
    'do not exist if the directory says so, or if the id is no distinguished name',
    async () => {
      const [ann, ...gone] = readers(3);
      const { url } = await directory([ann]);
      const app = await rig.boot({ profileRepository: profilesOf(url) });
      const ids = [ann.dn, ...gone.map(({ dn }) => dn), 'nobody', ' ', 'o=elsewhere', 'cn=un"closed', SUFFIX];

      const list = ids.map((userId) => ({ userId }));
      const { mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
      await rig.reached(mailingId as string, 'completed');

      const progress = await rig.progress(mailingId as string);
      assertProgressAddsUp(progress);
      const reasons = progress.recipients.map(({ status, errorCode }) => errorCode ?? status);
      const none = 'no_profile';
      expect(reasons).toEqual(['sent', none, none, none, none, none, none, 'no_address']);
    },
  );
});

describe.skipIf(!hasLdap)('LdapProfileRepository', () => {
  const rig = MailingRig.forEachTest('sqlite');
  const directory = directories();

  it.each([1, 20])('runs at most %i lookups at a time, over all commits', async (maxConcurrentLookups) => {
    const people = readers(60);
    const server = await directory(people);
    await using proxy = await TcpProxy.start(server.url);
    const tap = new LdapTap();
    proxy.tap = tap.take;
    const profiles = new (profilesOf(proxy.url, { base: null, maxConcurrentLookups }))();
    const ids = people.map(({ dn }) => dn);
    expect((await profiles.findByIds(ids.slice(0, 1))).size).toBe(1);

    // While the directory answers nothing, all lookups that may run have started.
    await server.freeze();
    const commits = [ids.slice(0, 30), ids.slice(30)].map((some) => profiles.findByIds(some));
    await waitUntil(() => tap.underWay >= maxConcurrentLookups, { what: 'the lookups to be sent' });
    server.thaw();
    expect((await Promise.all(commits)).map(({ size }) => size)).toEqual([30, 30]);
    expect(tap).toMatchObject({ underWay: 0, most: maxConcurrentLookups });
  });

  it('reads the configured attributes, and requests no others', async () => {
    const ann = person(`uid=ann,${PEOPLE}`, ['Ann', 'Annie'], 'first@home.example', {
      uid: 'ann',
      mail: ['ann@home.example', 'ann@work.example'],
      preferredLanguage: 'de-AT, en;q=0.5',
      description: 'Bounced',
      employeeType: ['staff', 'NO mail'],
      givenName: 'Ann Marie',
      carLicense: ['A 1', 'B 2'],
      title: '20260131120000.5Z',
      jpegPhoto: '\u0000',
    });
    const bob = person(`uid=bob,${PEOPLE}`, 'Bob', 'bob@home.example', { uid: 'bob', title: 'never' });
    const { url } = await directory([ann, bob]);
    const Profiles = profilesOf(url, {
      attributes: {
        email: 'MAIL',
        name: 'givenname',
        emailStatus: { attribute: 'description', invalid: ['bounced', 'unknown'] },
        receiveEmail: { attribute: 'employeeType', no: ['no mail'] },
        lastEmailed: 'title',
        data: { cars: 'carLicense', login: 'uid', nothing: 'roomNumber' },
      },
    });
    const profiles = new Profiles();

    expect(await profiles.findByIds([ann.dn, bob.dn, ann.dn])).toEqual(
      new Map([
        [
          ann.dn,
          {
            email: 'ann@home.example',
            name: 'Ann Marie',
            locale: 'de-AT',
            emailStatus: 'invalid',
            receiveEmail: false,
            lastEmailed: new Date('2026-01-31T12:00:00Z'),
            data: { cars: ['A 1', 'B 2'], login: 'ann' },
          },
        ],
        [
          bob.dn,
          { email: 'bob@home.example', emailStatus: 'valid', receiveEmail: true, data: { login: 'bob' } },
        ],
      ]),
    );
    await profiles.onApplicationShutdown();
  });

  it('gives templates the variables of the entry, and skips profiles that the directory marks', async () => {
    const people = ['yes', 'no', 'No '].map((wants, n) =>
      person(`uid=u${n},${PEOPLE}`, `U ${n}`, `u${n}@home.example`, {
        uid: `u${n}`,
        l: 'Graz',
        title: wants,
      }),
    );
    const { url } = await directory(people);
    const Profiles = profilesOf(url, {
      attributes: { receiveEmail: { attribute: 'title', no: ['no'] }, data: { city: 'l' } },
    });
    const templates = { 'letter.hbs': '{{name}} of {{city}}: {{userId}}' };
    const app = await rig.boot({ profileRepository: Profiles }, { templates });
    const list = people.map(({ dn }) => ({ userId: dn }));
    const { mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    await rig.reached(mailingId as string, 'completed');

    expect((await rig.progress(mailingId as string)).byStatus).toEqual({ sent: 1, skipped: 2 });
    expect((await rig.inbox.messages[0].parsed()).text?.trim()).toBe(`U 0 of Graz: uid=u0,${PEOPLE}`);
  });

  it('skips a profile whose entry is deleted in the middle of a mailing, and no other', async () => {
    const people = readers(12);
    const server = await directory(people);
    const run = { concurrency: 1, maxInDoubt: 2 };
    const app = await rig.boot({ profileRepository: profilesOf(server.url), run });
    const last = people[11];
    let deleted: Promise<void> | undefined;
    // The first answer is held until the entry is gone; at most two entries have been looked up by then.
    rig.inbox.answer = ({ command }) => {
      if (command !== 'END') return undefined;
      deleted ??= server.change((admin) => admin.del(last.dn));
      return deleted.then(() => undefined);
    };
    const list = people.map(({ dn }) => ({ userId: dn }));
    const { mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    await rig.reached(mailingId as string, 'completed');

    const progress = await rig.progress(mailingId as string);
    assertProgressAddsUp(progress);
    expect(progress.byStatus).toEqual({ sent: 11, skipped: 1 });
    expect(progress.recipients.at(-1)).toMatchObject({ userId: last.dn, errorCode: 'no_profile' });
    expect([...rig.inbox.countsByRecipient().values()]).toEqual(Array(11).fill(1));
  });
});

describe.skipIf(!hasLdap)('recipientsFromLdap', () => {
  const rig = MailingRig.forEachTest('sqlite');
  const directory = directories();

  it('lists more entries than the directory returns in one page', async () => {
    const others = person(`cn=Other,${PEOPLE}`, 'Other', 'other@home.example');
    const { url } = await directory([...readers(1_000), others], { sizeLimit: 100 });
    const run = { concurrency: 10, maxInDoubt: 100 };
    const app = await rig.boot({ profileRepository: profilesOf(url), run });

    const list = recipientsFromLdap(
      { url, ...READER },
      { base: PEOPLE, filter: '(&(objectClass=inetOrgPerson)(cn=Reader *))', pageSize: 100 },
    );
    const { mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    await rig.reached(mailingId as string, 'completed');
    await rig.assertAllSent(mailingId as string, 1_000);
  });

  it('rejects an incomplete list: pages that are too large, a missing base, a lost connection', async () => {
    const server = await directory(readers(20), { sizeLimit: 10 });
    const search = { base: PEOPLE, filter: '(cn=Reader *)', pageSize: 5 };
    const client = { url: server.url, ...READER };
    const app = await rig.boot({ profileRepository: profilesOf(server.url) });
    const refusalOf = async (list: Recipients): Promise<Error> => {
      try {
        await app.sender.sendEmailMessage(INFO, list, { persist: true });
      } catch (error) {
        return error as Error;
      }
      return new Error('it was accepted');
    };

    for (const wrong of [{ pageSize: 11 }, { base: `ou=Gone,${PEOPLE}` }]) {
      const error = await refusalOf(recipientsFromLdap(client, { ...search, ...wrong }));
      expect(error).toBeInstanceOf(RecipientListError);
      expect(error.cause).toBeInstanceOf(LdapUnavailableError);
    }
    async function* brokenOff(): AsyncGenerator<Recipient> {
      let count = 0;
      for await (const one of recipientsFromLdap(client, search)) {
        if (++count === 5) await server.kill();
        yield one;
      }
    }
    expect((await refusalOf(brokenOff())).cause).toBeInstanceOf(LdapUnavailableError);
    expect(rig.inbox.messages).toEqual([]);
  });

  it('closes its connection, also when the iteration ends early', async () => {
    const server = await directory(readers(20));
    await using proxy = await TcpProxy.start(server.url);
    for await (const one of recipientsFromLdap(
      { url: proxy.url, ...READER },
      { base: PEOPLE, filter: '(cn=Reader *)', pageSize: 5 },
    )) {
      expect(one).toEqual({ userId: expect.stringContaining('cn=Reader') as string });
      break;
    }
    expect(proxy.numConnections).toBe(1);
    await waitUntil(() => proxy.numOpen === 0, { what: 'the connection to be closed' });
  });

  it.each([
    ['search.filter', { filter: '(cn=Reader' }],
    ['search.filter', { filter: '' }],
    ['search.base', { base: '' }],
    ['search.pageSize', { pageSize: 0 }],
    ['search.scope', { scope: 'one' }],
  ])('refuses a wrong %s when it is called: %j', (option, wrong) => {
    const search = { base: PEOPLE, filter: '(cn=*)', ...wrong };
    expect(() => recipientsFromLdap({ url: 'ldap://ldap.example' }, search)).toThrow(LdapOptionsError);
    expect(() => recipientsFromLdap({ url: 'ldap://ldap.example' }, search)).toThrow(
      `expected ${option} to be`,
    );
  });
});
