import { Injectable } from '@nestjs/common';
import {
  type MailingEventMap,
  MailServer,
  type ProfileRepository,
  type RecipientProfile,
} from 'nestjs-mailing';
import { beforeEach, expect, it } from 'vitest';
import { toListedRecipient } from '../../../libs/mailing/src/model/mail/listed-recipient.js';
import { MailingClaims } from '../../../libs/mailing/src/store/claims/mailing-claims.js';
import { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { MailingLedger } from '../../../libs/mailing/src/store/ledger/mailing.ledger.js';
import { TemplateEmailPersister } from '../../../libs/mailing/src/store/intake/template-email.persister.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { livingServer } from '../../support/databases/living-server.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';
import { waitUntil } from '../../support/wait-until.js';

interface Told {
  lastEmailed: { ids: string[]; at: Date }[];
  invalid: string[][];
  failures: number;
  hangs?: boolean;
}

let told: Told;

/** Every id has a profile, under an address made of the id. */
@Injectable()
class Customers implements ProfileRepository {
  async findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    return new Map(ids.map((id) => [id, { email: `${id}@home.example` }]));
  }

  async setLastEmailed(ids: string[], at: Date): Promise<void> {
    if (told.hangs) await new Promise(() => undefined);
    if (told.failures-- > 0) throw new Error('the host has no disk left');
    told.lastEmailed.push({ ids, at });
  }

  async setEmailStatus(emails: string[], status: string): Promise<void> {
    told.invalid.push([status, ...emails.toSorted()]);
  }
}

const REFUSALS: Record<string, { code: number; text: string }> = {
  gone: { code: 550, text: '5.1.1 No such user here' },
  moved: { code: 551, text: '5.1.6 She has moved' },
  nullmx: { code: 556, text: '5.1.10 The domain takes no mail' },
  unknownhost: { code: 550, text: '5.1.2 Host not found' },
  syntax: { code: 501, text: '5.1.3 Bad recipient address syntax' },
  policy: { code: 550, text: '5.7.1 Not from you' },
  full: { code: 552, text: '5.2.2 Mailbox full' },
  disabled: { code: 550, text: '5.2.1 Mailbox disabled' },
  plain: { code: 550, text: 'No such user' },
  plain553: { code: 553, text: 'Sorry, not in my list of allowed domains' },
  later: { code: 450, text: '4.1.1 Not known just now' },
  mixedup: { code: 450, text: '5.1.1 A server that contradicts itself' },
};

const ids = (count: number): { userId: string }[] =>
  Array.from({ length: count }, (_, n) => ({ userId: `reader${n}` }));

forEachDatabase('the profile repository of the host', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  beforeEach(() => {
    told = { lastEmailed: [], invalid: [], failures: 0 };
  });

  it('is told which profiles were mailed, in groups, each once, at the latest when the run has ended', async () => {
    rig.inbox.answer = ({ command, to }) =>
      command === 'RCPT' && to.at(-1) === 'reader3@home.example'
        ? { code: 550, text: '5.7.1 No' }
        : undefined;
    const app = await rig.boot({ profileRepository: Customers });
    const before = Date.now();
    await app.sender.sendEmailMessage(INFO, [...ids(1_200), 'plain@home.example'], false, true);
    const all = told.lastEmailed.flatMap((group) => group.ids);
    const expected = ids(1_200).map(({ userId }) => userId);
    expect(all.toSorted()).toEqual(expected.filter((id) => id !== 'reader3').toSorted());
    // A commit has at most 10 of them, so one call covers several commits.
    expect(told.lastEmailed.length).toBeLessThan(60);
    for (const { at } of told.lastEmailed) expect(at.getTime()).toBeGreaterThanOrEqual(before);
  });

  it('is told which addresses do not exist, after a permanent refusal with a code for that', async () => {
    rig.inbox.answer = ({ command, to }) =>
      command === 'RCPT' ? REFUSALS[to.at(-1)!.split('@')[0]] : undefined;
    const app = await rig.boot({
      profileRepository: Customers,
      retry: { maxAttempts: 2, initialDelayMs: 1 },
      errorGuard: { sampleSize: 0 },
    });
    const list = [...Object.keys(REFUSALS).map((userId) => ({ userId })), { userId: 'fine' }];
    const { completed } = await app.sender.sendEmailMessage(INFO, list, false, true);
    expect(await completed).toMatchObject({ numSent: 1, numErrors: Object.keys(REFUSALS).length });
    expect(told.invalid).toEqual([
      ['invalid', 'gone@home.example', 'moved@home.example', 'nullmx@home.example'],
    ]);
  });

  it('is told nothing where all messages go to one redirected address', async () => {
    let numAsked = 0;
    rig.inbox.answer = ({ command }) =>
      command === 'RCPT' && ++numAsked % 2 === 0 ? REFUSALS.gone : undefined;
    const app = await rig.boot({ profileRepository: Customers });
    const info = { ...INFO, messageTo: 'look@shop.example' };
    const { completed } = await app.sender.sendEmailMessage(info, ids(6), false, true);
    const { numSent, numErrors } = await completed;
    expect([numSent, numErrors]).toEqual([3, 3]);
    expect(told).toMatchObject({ lastEmailed: [], invalid: [] });
  });

  it('is told of recipients in doubt that an operator settles as sent, not of those settled as errors or never handed over', async () => {
    rig.inbox.answer = ({ command }) => (command === 'END' ? 'close' : undefined);
    const app = await rig.boot({ profileRepository: Customers, run: { concurrency: 1 } });
    const send = async (count: number, info = INFO): Promise<string> => {
      const list = [...ids(count), 'plain@home.example'];
      const { mailingId, completed } = await app.sender.sendEmailMessage(info, list, false, true);
      expect(await completed).toMatchObject({ numErrors: count + 1 });
      return mailingId as string;
    };
    const redirected = { ...INFO, messageTo: 'look@shop.example' };
    expect(await app.sender.settleInDoubt(await send(2), 'error')).toBe(3);
    expect(await app.sender.settleInDoubt(await send(2, redirected), 'sent')).toBe(3);
    expect(told.lastEmailed).toEqual([]);
    const before = Date.now();
    expect(await app.sender.settleInDoubt(await send(3), 'sent')).toBe(4);
    expect(told.lastEmailed.flatMap((group) => group.ids)).toEqual(['reader0', 'reader1', 'reader2']);
    expect(told.lastEmailed[0].at.getTime()).toBeGreaterThanOrEqual(before);
  });

  it('is told of recipients in doubt after a crash that the resolver settles as sent', async () => {
    const database = new MailingDatabase(rig.database.dataSource);
    const persister = new TemplateEmailPersister(database);
    const left = async (id: string, info = INFO): Promise<string> => {
      const mailingId = (await persister.createMailing(info, 'test:1', 'list')) as string;
      const rows = [0, 1].map((idx) => ({ ...toListedRecipient({ userId: `${id}${idx}` }, true), idx }));
      await persister.writeChunk(mailingId, 'list', rows);
      await persister.finishList(mailingId, 'list', 2);
      await livingServer(rig.database.dataSource, 'test:1', 'dead');
      const claim = await new MailingClaims(database).claim(mailingId, 'test:1', `dead#${id}`);
      if (!claim) throw new Error('The mailing could not be claimed.');
      const quiet = { outcomes: [], deferred: [], returned: [], inFlight: 0, release: null };
      await new MailingLedger(database, claim).commit({ ...quiet, capacity: 2 });
      await rig.database.dataSource.getRepository(MailServer).delete({ uniqServerId: 'test:1' });
      return mailingId;
    };
    const mailings = [
      await left('ann'),
      await left('look', { ...INFO, messageTo: 'look@shop.example' } as typeof INFO),
    ];
    await rig.boot({ profileRepository: Customers, inDoubt: () => ['sent', 'leave'] });
    for (const mailingId of mailings) await rig.reached(mailingId, 'completed');
    await waitUntil(() => told.lastEmailed.length > 0, { what: 'the host to be told' });
    expect(told.lastEmailed.flatMap((group) => group.ids)).toEqual(['ann0']);
    expect(rig.inbox.messages).toEqual([]);
  });

  it('is told of plain addresses, too, because profiles may have them; and of nothing where the option is off', async () => {
    rig.inbox.answer = ({ command }) => (command === 'RCPT' ? REFUSALS.gone : undefined);
    const app = await rig.boot({ profileRepository: Customers });
    await app.sender.sendEmailMessage(INFO, ['Gone@Home.example'], false, true);
    expect(told.invalid).toEqual([['invalid', 'Gone@home.example']]);
    await app.close();
    rig.apps.length = 0;
    const silent = await rig.boot({ profileRepository: Customers, profiles: { invalidateRefused: false } });
    await silent.sender.sendEmailMessage(INFO, ['gone@home.example'], false, true);
    expect(told.invalid).toHaveLength(1);
  });

  it('is told of the recipient only, not of refused addresses in copy', async () => {
    rig.inbox.answer = ({ command, to }) => {
      if (command !== 'RCPT') return undefined;
      return to.at(-1) === 'copy@shop.example' ? REFUSALS.gone : REFUSALS.policy;
    };
    const app = await rig.boot({ profileRepository: Customers });
    const info = { ...INFO, cc: 'copy@shop.example' };
    const { mailingId } = await app.sender.sendEmailMessage(info, [{ userId: 'ann' }], false, true);
    expect(await app.query.recipients(mailingId!)).toMatchObject([{ status: 'error', errorCode: '5.7.1' }]);
    expect(told.invalid).toEqual([]);
  });

  it('delays no mailing when it fails, and is told later', async () => {
    told.failures = 1;
    const app = await rig.boot({ profileRepository: Customers });
    const profileErrors: MailingEventMap['profiles:error'][] = [];
    app.events.on('profiles:error', (facts) => profileErrors.push(facts));
    const { completed } = await app.sender.sendEmailMessage(INFO, ids(3), false, true);
    expect(await completed).toMatchObject({ status: 'completed', numSent: 3 });
    expect(profileErrors).toMatchObject([{ what: 'lastEmailed', count: 3 }]);
    await waitUntil(() => told.lastEmailed.length > 0, { what: 'the host to be told again' });
    expect(told.lastEmailed[0].ids.toSorted()).toEqual(['reader0', 'reader1', 'reader2']);
  });

  it('is told the rest at an orderly stop, which reports what it did not take', async () => {
    const app = await rig.boot({ profileRepository: Customers, run: { concurrency: 1 } });
    const dropped: MailingEventMap['profiles:dropped'][] = [];
    app.events.on('profiles:dropped', (facts) => dropped.push(facts));
    const { mailingId } = await app.sender.sendEmailMessage(INFO, ids(300), true, true);
    await rig.inbox.waitFor(5);
    await app.close();
    rig.apps.length = 0;
    const { byStatus } = await rig.progress(mailingId!);
    expect(told.lastEmailed.flatMap((group) => group.ids)).toHaveLength(byStatus.sent);
    expect(dropped).toEqual([]);

    told.failures = 1_000;
    const failing = await rig.boot({ profileRepository: Customers });
    failing.events.on('profiles:dropped', (facts) => dropped.push(facts));
    await failing.sender.sendEmailMessage(INFO, ids(4), false, true);
    await rig.reached(mailingId!, 'completed');
    await failing.close();
    rig.apps.length = 0;
    expect(dropped).toEqual([{ what: 'lastEmailed', count: 4 + 300 - byStatus.sent }]);
  });

  it('delays neither the end of a mailing nor the stop of the process when it never answers', async () => {
    told.hangs = true;
    const app = await rig.boot({ profileRepository: Customers, server: { shutdownTimeoutMs: 100 } });
    const { completed } = await app.sender.sendEmailMessage(INFO, ids(3), false, true);
    expect(await completed).toMatchObject({ status: 'completed', numSent: 3 });
    await app.close();
    rig.apps.length = 0;
  });
});
