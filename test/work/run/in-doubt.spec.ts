import { type DoubtfulRecipient, type InDoubtVerdict } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { inFlightMailing } from '../../support/databases/in-flight-mailing.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { MailingRig } from '../../support/hosts/mailing-rig.js';
import { never } from '../../support/silence.js';
import type { SmtpHook } from '../../support/network/smtp-step.js';

/** Takes messages to these recipients and hangs up without a reply. */
const silentAfter =
  (...addresses: string[]): SmtpHook =>
  ({ command, to }) =>
    command === 'END' && addresses.includes(to[0]) ? 'close' : undefined;

const refusing =
  (...addresses: string[]): SmtpHook =>
  ({ command, to }) =>
    command === 'RCPT' && addresses.includes(to[0]) ? { code: 550, text: '5.1.1 no such user' } : undefined;

const NO_ANSWER = { code: 'MAILING_HOST_ANSWER' };

forEachDatabase('recipients in doubt', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  const left = (): Promise<string> => inFlightMailing(rig.database.dataSource);

  it('A9 A21 are stored, listed by one call, and settled by one call', async () => {
    rig.inbox.answer = silentAfter('reader3@home.example', 'reader8@home.example');
    const app = await rig.boot();
    const mailingId = await rig.send(app, 12);
    await rig.reached(mailingId, 'completed');
    const unsettled = await app.query.recipients(mailingId, { status: 'in_doubt' });
    expect(unsettled.map(({ email }) => email)).toEqual(['reader3@home.example', 'reader8@home.example']);
    expect(unsettled[0]).toMatchObject({ idx: 3, userId: null, attempts: 1, nextAttemptAt: null });
    expect(await app.query.get(mailingId)).toMatchObject({ numSent: 10, numErrors: 2 });

    expect(await app.sender.settleInDoubt(mailingId, 'sent')).toBe(2);
    expect(await app.sender.settleInDoubt(mailingId, 'sent')).toBe(0);
    expect(await app.query.get(mailingId)).toMatchObject({ status: 'completed', numSent: 12, numErrors: 0 });
    assertProgressAddsUp(await rig.progress(mailingId));
    expect(rig.inbox.messages).toHaveLength(12);
  });

  it('that are settled as errors stay counted as errors', async () => {
    rig.inbox.answer = silentAfter('reader3@home.example');
    const app = await rig.boot();
    const mailingId = await rig.send(app, 5);
    await rig.reached(mailingId, 'completed');
    expect(await app.sender.settleInDoubt(mailingId, 'error')).toBe(1);
    const progress = await rig.progress(mailingId);
    assertProgressAddsUp(progress);
    expect(progress.byStatus).toEqual({ sent: 4, error: 1 });
  });

  it('A22 that are retried get the same message under the same Message-ID', async () => {
    rig.inbox.answer = silentAfter('reader3@home.example');
    const app = await rig.boot();
    const mailingId = await rig.send(app, 6);
    await rig.reached(mailingId, 'completed');
    rig.inbox.answer = undefined;
    expect(await app.sender.retry(mailingId, 'in_doubt')).toBe(1);
    await rig.inbox.waitFor(7);
    await rig.reached(mailingId, 'completed');
    const progress = await rig.progress(mailingId);
    assertProgressAddsUp(progress);
    expect(progress.byStatus).toEqual({ sent: 6 });
    const ids = rig.inbox.messages
      .filter(({ to }) => to[0] === 'reader3@home.example')
      .map((one) => one.messageId);
    expect(ids).toEqual([ids[0], ids[0]]);
  });

  it('retry of errors on a completed mailing leaves the sent ones alone and corrects the counters', async () => {
    rig.inbox.answer = refusing('reader2@home.example', 'reader5@home.example', 'reader6@home.example');
    const app = await rig.boot();
    const mailingId = await rig.send(app, 9);
    await rig.reached(mailingId, 'completed');
    expect(await app.query.get(mailingId)).toMatchObject({ numSent: 6, numErrors: 3 });
    rig.inbox.answer = refusing('reader5@home.example');
    expect(await app.sender.retry(mailingId, 'errors')).toBe(3);
    await rig.inbox.waitFor(8);
    await rig.reached(mailingId, 'completed');
    const progress = await rig.progress(mailingId);
    assertProgressAddsUp(progress);
    expect(progress.byStatus).toEqual({ sent: 8, error: 1 });
    expect([...rig.inbox.countsByRecipient().values()].every((copies) => copies === 1)).toBe(true);
    expect(await app.sender.retry(mailingId, 'in_doubt')).toBe(0);
    expect(await app.query.get(mailingId)).toMatchObject({ status: 'completed' });
  });

  it('or errors that are retried in the middle of a mailing are picked up by the run in progress', async () => {
    rig.inbox.answer = refusing('reader0@home.example');
    const app = await rig.boot();
    const mailingId = await rig.send(app, 200);
    await rig.inbox.waitFor(30);
    rig.inbox.answer = undefined;
    expect(await app.sender.retry(mailingId, 'errors')).toBe(1);
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 200);
  });

  it('retry of a paused mailing leaves it paused, and of a canceled one is refused', async () => {
    rig.inbox.answer = refusing('reader0@home.example');
    const app = await rig.boot();
    const mailingId = await rig.send(app, 100);
    await rig.inbox.waitFor(20);
    await app.sender.pause(mailingId);
    await rig.reached(mailingId, 'paused');
    expect(await app.sender.retry(mailingId, 'errors')).toBe(1);
    expect(await app.query.get(mailingId)).toMatchObject({ status: 'paused', numErrors: 0 });
    await app.sender.cancel(mailingId);
    await expect(app.sender.retry(mailingId, 'errors')).rejects.toMatchObject({
      code: 'MAILING_ENDED',
      status: 'canceled',
    });
  });

  it('are sent to again under the policy resend, also those whose connection broke', async () => {
    let broken = 0;
    rig.inbox.answer = ({ command, to }) =>
      command === 'END' && to[0] === 'reader2@home.example' && broken++ === 0 ? 'close' : undefined;
    const app = await rig.boot({ inDoubt: 'resend', retry: { initialDelayMs: 20 } });
    const mailingId = await rig.send(app, 6);
    await rig.reached(mailingId, 'completed');
    const progress = await rig.progress(mailingId);
    assertProgressAddsUp(progress);
    expect(progress.byStatus).toEqual({ sent: 6 });
    expect(rig.inbox.countsByRecipient().get('reader2@home.example')).toBe(2);
    expect(progress.recipients[2].attempts).toBe(2);
  });

  it('are each decided by a resolver before the first new message', async () => {
    const mailingId = await left();
    const asked: DoubtfulRecipient[][] = [];
    let receivedWhenAsked = -1;
    const resolver = (recipients: DoubtfulRecipient[]): InDoubtVerdict[] => {
      asked.push(recipients);
      receivedWhenAsked = rig.inbox.messages.length;
      return ['sent', 'resend', 'leave'];
    };
    await rig.boot({ inDoubt: resolver });
    await rig.reached(mailingId, 'completed');
    expect(receivedWhenAsked).toBe(0);
    expect(asked).toHaveLength(1);
    expect(asked[0].map(({ idx, email, messageId }) => [idx, email, messageId])).toEqual(
      [0, 1, 2].map((idx) => [idx, `reader${idx}@home.example`, `<${mailingId}.${idx}@shop.example>`]),
    );
    const progress = await rig.progress(mailingId);
    assertProgressAddsUp(progress);
    expect(progress.recipients.map(({ status }) => status)).toEqual(['sent', 'sent', 'in_doubt', 'sent']);
    expect([...rig.inbox.countsByRecipient().keys()].sort()).toEqual([
      'reader1@home.example',
      'reader3@home.example',
    ]);
  });

  it.each([
    [
      'throws',
      () => Promise.reject(new Error('the provider does not answer')),
      { message: 'the provider does not answer' },
    ],
    ['answers with a verdict too few', () => ['sent', 'resend'] as InDoubtVerdict[], NO_ANSWER],
    ['answers with a verdict too many', () => Array<InDoubtVerdict>(4).fill('sent'), NO_ANSWER],
    [
      'answers with unknown verdicts',
      () => ['perhaps', 'leave', 5] as unknown as InDoubtVerdict[],
      NO_ANSWER,
    ],
    ['answers with nothing', () => undefined as unknown as InDoubtVerdict[], NO_ANSWER],
    ['answers with no list', () => 'yes' as unknown as InDoubtVerdict[], NO_ANSWER],
    ['never answers', () => never<InDoubtVerdict[]>(), { code: 'MAILING_HOST_SILENT' }],
  ])('stay in doubt after a resolver that %s, and the mailing continues', async (_, resolver, error) => {
    const mailingId = await left();
    const app = await rig.boot({ inDoubt: resolver, run: { hostCallTimeoutMs: 1_000 } });
    const told: unknown[] = [];
    app.events.on('in-doubt:unresolved', (event) => told.push(event.error));
    await rig.reached(mailingId, 'completed');
    const { byStatus } = await rig.progress(mailingId);
    expect(byStatus).toEqual({ in_doubt: 3, sent: 1 });
    expect(told).toEqual([expect.objectContaining(error)]);
    expect([...rig.inbox.countsByRecipient()]).toEqual([['reader3@home.example', 1]]);
  });

  it('are listed page by page, as all recipients of a mailing', async () => {
    const app = await rig.boot();
    const mailingId = await rig.send(app, 25);
    await rig.reached(mailingId, 'completed');
    const idxs: number[] = [];
    for (let afterIdx = -1; ;) {
      const page = await app.query.recipients(mailingId, { afterIdx, limit: 10 });
      if (page.length === 0) break;
      idxs.push(...page.map(({ idx }) => idx));
      afterIdx = idxs[idxs.length - 1];
      expect(page[0].settledAt).toBeInstanceOf(Date);
    }
    expect(idxs).toEqual(Array.from({ length: 25 }, (_, n) => n));
  });
});
