import { MailAddressClaim, type Recipient } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { assertBatchesAddUp } from '../../support/databases/batch-progress.js';
import { sendBatched, TAKES_BATCHES } from '../../support/hosts/batched-mailing.js';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { ProfileShelf } from '../../support/hosts/profile-shelf.js';
import { waitUntil } from '../../support/wait-until.js';

const WITH_PROFILES = { profileRepository: ProfileShelf };

/** One mailbox in many spellings, and a few others. */
function sameAgain(): Recipient[] {
  ProfileShelf.fill(0, String);
  const { profiles } = ProfileShelf;
  profiles.set('one', { email: 'Shared@x.example' });
  profiles.set('other', { email: 'shared@X.example' });
  profiles.set('plain too', { email: 'a@x.example' });
  profiles.set('idn', { email: 'zoe@bücher.example' });
  profiles.set('idn twin', { email: 'Zoe@xn--bcher-kva.example' });
  return [
    { userId: 'plain too' },
    'A@x.example',
    'a@x.example',
    ' a@x.example ',
    'a@X.EXAMPLE',
    { userId: 'one' },
    { userId: 'one' },
    { userId: 'other' },
    'eve@bücher.example',
    'eve@xn--bcher-kva.example',
    { userId: 'idn' },
    { userId: 'idn twin' },
  ];
}

forEachDatabase('duplicates', (kind) => {
  const rig = MailingRig.forEachTest(kind);
  const reasons = async (mailingId: string): Promise<string[]> =>
    (await rig.progress(mailingId)).recipients.map(({ status, errorCode }) => errorCode ?? status);
  const oneCopyEach = (): void => {
    expect([...rig.inbox.countsByRecipient().values()].filter((copies) => copies !== 1)).toEqual([]);
  };
  const envelopes = (): string[] =>
    [...rig.inbox.countsByRecipient().keys()].map((one) => one.toLowerCase()).sort();

  it('C15 the same mailbox in the list, by address, id, profile and spelling: one copy each', async () => {
    const app = await rig.boot(WITH_PROFILES);
    const { completed, mailingId, numDuplicates } = await app.sender.sendEmailMessage(INFO, sameAgain(), {
      persist: true,
    });
    expect(numDuplicates).toBe(5);
    expect(await completed).toMatchObject({ numProfiles: 7, numSent: 4, numSkipped: 3, numErrors: 0 });
    // The profile at the head of the list is a duplicate of the plain address behind it.
    expect(await reasons(mailingId as string)).toEqual([
      'duplicate',
      'sent',
      'sent',
      'duplicate',
      'sent',
      'sent',
      'duplicate',
    ]);
    assertProgressAddsUp(await rig.progress(mailingId as string));
    const mailboxes = ['a@x', 'eve@xn--bcher-kva', 'shared@x', 'zoe@xn--bcher-kva'];
    expect(envelopes()).toEqual(mailboxes.map((domain) => `${domain}.example`));
    oneCopyEach();
  });

  it('C15 in a mailing that is not persisted: one copy each as well, for the first entry', async () => {
    const app = await rig.boot({ ...WITH_PROFILES, run: { concurrency: 1, maxInDoubt: 2 } });
    const { completed } = await app.sender.sendEmailMessage(INFO, sameAgain());
    expect(await completed).toMatchObject({ numProfiles: 7, numSent: 4, numSkipped: 3 });
    expect(rig.inbox.messages.length).toBe(4);
    oneCopyEach();
  });

  it('are not looked for across two mailings', async () => {
    const app = await rig.boot(WITH_PROFILES);
    const list = ProfileShelf.fill(2, () => 'ann@home.example');
    for (const sent of [1, 2]) {
      const { completed } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
      expect(await completed).toMatchObject({ numSent: 1, numSkipped: 1 });
      expect(rig.inbox.messages.length).toBe(sent);
    }
  });

  it('run no statement in a mailing without profiles', async () => {
    const app = await rig.boot(WITH_PROFILES);
    const database = app.nest.get(MailingDatabase, { strict: false });
    const asked: string[] = [];
    const rows = database.rows.bind(database) as MailingDatabase['rows'];
    const change = database.change.bind(database);
    database.rows = (sql, parameters) => (asked.push(sql), rows(sql, parameters));
    database.change = (sql, parameters) => (asked.push(sql), change(sql, parameters));
    const { completed } = await app.sender.sendEmailMessage(INFO, people(30), { persist: true });
    await completed;
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter((sql) => sql.includes('dps_mail_address_claim'))).toEqual([]);
  });

  it('over batches of several servers at once: each address gets one copy, from any of them', async () => {
    const list = ProfileShelf.fill(300, (n) => `reader${n % 50}@home.example`);
    const app = await rig.boot({ ...TAKES_BATCHES, ...WITH_PROFILES });
    await rig.boot({ ...TAKES_BATCHES, ...WITH_PROFILES, uniqServerId: 'test:2' });
    await rig.boot({ ...TAKES_BATCHES, ...WITH_PROFILES, uniqServerId: 'test:3' });
    const mailingId = await sendBatched(app, list, { batchSize: 10 });
    const { numSent, numSkipped } = await rig.reached(mailingId, 'completed');
    expect({ numSent, numSkipped }).toEqual({ numSent: 50, numSkipped: 250 });
    expect(rig.inbox.countsByRecipient().size).toBe(50);
    oneCopyEach();
    await assertBatchesAddUp(rig.database.dataSource, mailingId);
  });

  it('stay skipped when the first one fails, which keeps its address when it is retried', async () => {
    rig.inbox.answer = ({ command }) =>
      command === 'RCPT' ? { code: 550, text: '5.1.1 no such user' } : undefined;
    const app = await rig.boot({ ...WITH_PROFILES, errorGuard: { sampleSize: 0 } });
    const list = ProfileShelf.fill(3, () => 'ann@home.example');
    const { completed, mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    expect(await completed).toMatchObject({ numErrors: 1, numSkipped: 2 });
    rig.inbox.answer = undefined;
    expect(await app.sender.retry(mailingId as string, 'errors')).toBe(1);
    await waitUntil(async () => (await rig.progress(mailingId as string)).mailing.numSent === 1, {
      what: 'the first profile to be sent to',
    });
    expect(await reasons(mailingId as string)).toEqual(['sent', 'duplicate', 'duplicate']);
    oneCopyEach();
  });

  it('do not wait when the first one is deferred: they are skipped, and the first one is sent to at its next attempt', async () => {
    const refused = new Set<string>();
    rig.inbox.answer = ({ command, to }) => {
      if (command !== 'RCPT' || refused.has(to[0])) return undefined;
      refused.add(to[0]);
      return { code: 450, text: '4.2.0 greylisted' };
    };
    const app = await rig.boot({ ...WITH_PROFILES, retry: { initialDelayMs: 20 } });
    const list = ProfileShelf.fill(20, (n) => `reader${n % 5}@home.example`);
    const { completed } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    expect(await completed).toMatchObject({ numSent: 5, numSkipped: 15, numErrors: 0 });
    oneCopyEach();
  });

  it('that can not be looked up pause the mailing: no recipient is skipped for that, and none is sent to', async () => {
    const app = await rig.boot({ ...WITH_PROFILES, run: { transportOutageTimeoutMs: 0 } });
    const rename = (from: string, to: string): Promise<unknown> =>
      rig.database.dataSource.query(`ALTER TABLE ${from} RENAME TO ${to}`);
    await rename('dps_mail_address_claim', 'out_of_reach');
    const list = ProfileShelf.fill(6, (n) => `reader${n % 3}@home.example`);
    const { mailingId } = await app.sender.sendEmailMessage(INFO, list, { persist: true });
    await rig.reached(mailingId as string, 'paused');
    expect((await rig.progress(mailingId as string)).byStatus).toEqual({ pending: 6 });
    expect(rig.inbox.messages).toHaveLength(0);
    await rename('out_of_reach', 'dps_mail_address_claim');
    await app.sender.resume(mailingId as string);
    expect(await rig.reached(mailingId as string, 'completed')).toMatchObject({ numSent: 3, numSkipped: 3 });
    oneCopyEach();
    const taken = await rig.database.dataSource
      .getRepository(MailAddressClaim)
      .findBy({ mailingId: mailingId as string });
    expect(taken).toHaveLength(3);
  });
});
