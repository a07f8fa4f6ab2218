import { describe, expect, it } from 'vitest';
import { sendBatched, TAKES_BATCHES } from '../../support/hosts/batched-mailing.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { MailingRig } from '../../support/hosts/mailing-rig.js';
import type { SmtpHook } from '../../support/network/smtp-step.js';
import { waitUntil } from '../../support/wait-until.js';

/** More than the consecutive failed attempts after which the error guard pauses a mailing. */
const CONCURRENCY = 60;
const POOL = { transport: { maxConnections: 80 } };
const OPTIONS = {
  run: { messageTimeoutMs: 4_000, transportOutageTimeoutMs: 1_000 },
  retry: { initialDelayMs: 10 },
};
const silent: SmtpHook = ({ command }) => (command === 'RCPT' ? 'hang' : undefined);

describe('a mail server with more connections than the error guard allows failures', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it('that stops answering on all of them: the mailing is paused with the reason transport, and resumes by itself', async () => {
    rig.inbox.answer = silent;
    const app = await rig.boot({ ...OPTIONS, run: { ...OPTIONS.run, concurrency: CONCURRENCY } }, POOL);
    const mailingId = await rig.send(app, 90);
    const { statusReason } = await rig.reached(mailingId, 'paused', 25_000);
    expect(statusReason).toBe('transport: no answer in time');
    const { mailing, recipients } = await rig.progress(mailingId);
    expect(mailing).toMatchObject({ numSent: 0, numErrors: 0 });
    // Two failures show that it answers no message, then one probes at a time; the others are returned without an attempt.
    expect(recipients.filter(({ attempts }) => attempts > 0).length).toBeLessThan(10);
    rig.inbox.answer = undefined;
    await rig.reached(mailingId, 'completed', 25_000);
    await rig.assertAllSent(mailingId, 90);
  }, 60_000);

  it('that restarts: messages on its connections are in doubt, and the mailing continues', async () => {
    // It has a message on each connection when it goes away.
    let restart!: () => void;
    const restarted = new Promise<'close'>((resolve) => (restart = () => resolve('close')));
    rig.inbox.answer = ({ command }) => (command === 'END' ? restarted : undefined);
    const app = await rig.boot({ run: { concurrency: CONCURRENCY } }, POOL);
    const mailingId = await rig.send(app, 90);
    await rig.inbox.waitFor(CONCURRENCY);
    rig.inbox.answer = undefined;
    restart();
    await rig.reached(mailingId, 'completed', 25_000);
    expect((await rig.progress(mailingId)).byStatus).toEqual({
      in_doubt: CONCURRENCY,
      sent: 90 - CONCURRENCY,
    });
  });

  it('that greets but answers no message, outage after outage: the error guard pauses the mailing', async () => {
    rig.inbox.answer = silent;
    // It greets, so the mailing resumes by itself after each pause.
    const app = await rig.boot({
      run: { messageTimeoutMs: 500, transportOutageTimeoutMs: 0 },
      errorGuard: { sampleSize: 5 },
    });
    const mailingId = await rig.send(app, 30);
    await waitUntil(async () => isStopped(mailingId), { what: 'the error guard', deadlineMs: 25_000 });
    expect((await rig.progress(mailingId)).byStatus.error).toBeUndefined();
  }, 60_000);

  const isStopped = async (mailingId: string): Promise<boolean> =>
    (await rig.progress(mailingId)).mailing.statusReason?.startsWith('error rate: ') === true;

  it('that takes each message and hangs up, outage after outage: the error guard pauses the mailing', async () => {
    const MOST = 10;
    rig.inbox.answer = ({ command }) => (command === 'END' ? 'close' : undefined);
    // It can be reached, so the mailing resumes by itself after each pause.
    const app = await rig.boot({ run: { transportOutageTimeoutMs: 0 }, errorGuard: { sampleSize: MOST } });
    const mailingId = await rig.send(app, 90);
    await waitUntil(async () => isStopped(mailingId), { what: 'the error guard', deadlineMs: 25_000 });
    const { byStatus } = await rig.progress(mailingId);
    expect(byStatus.in_doubt).toBeGreaterThanOrEqual(MOST);
    // At the last outage the other connections had a message, too.
    expect(byStatus.in_doubt).toBeLessThan(MOST + 20);
  }, 60_000);
});

forEachDatabase('a mail server that stops answering while batches add up their failures', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('is treated as an outage, too', async () => {
    rig.inbox.answer = silent;
    const run = { ...OPTIONS.run, concurrency: 25 };
    const app = await rig.boot({ ...OPTIONS, ...TAKES_BATCHES, run }, POOL);
    const mailingId = await sendBatched(app, 90, { batchSize: 30 });
    const { statusReason } = await rig.reached(mailingId, 'paused', 25_000);
    expect(statusReason).toBe('transport: no answer in time');
    expect((await rig.progress(mailingId)).mailing).toMatchObject({ numSent: 0, numErrors: 0 });
    rig.inbox.answer = undefined;
    await rig.reached(mailingId, 'completed', 25_000);
    await rig.assertAllSent(mailingId, 90);
  }, 60_000);
});
