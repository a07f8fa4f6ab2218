import { describe, expect, it } from 'vitest';
import { sendBatched, TAKES_BATCHES } from '../../support/hosts/batched-mailing.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { MailingRig } from '../../support/hosts/mailing-rig.js';
import type { SmtpHook } from '../../support/network/smtp-step.js';
import { waitUntil } from '../../support/wait-until.js';

/** More than the attempts that have to fail one after the other before the error guard pauses a mailing. */
const CONCURRENCY = 60;
const POOL = { transport: { maxConnections: 80 } };
const OPTIONS = {
  run: { messageTimeoutMs: 4_000, transportOutageTimeoutMs: 1_000 },
  retry: { initialDelayMs: 10 },
};
const silent: SmtpHook = ({ command }) => (command === 'RCPT' ? 'hang' : undefined);

describe('a mail server with more connections than the error guard takes failures', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it('that falls silent on all of them is an outage: the mailing is paused for the transport, and goes on by itself', async () => {
    rig.inbox.answer = silent;
    const app = await rig.boot({ ...OPTIONS, run: { ...OPTIONS.run, concurrency: CONCURRENCY } }, POOL);
    const mailingId = await rig.send(app, 90);
    const { statusReason } = await rig.reached(mailingId, 'paused', 25_000);
    expect(statusReason).toBe('transport: no answer in time');
    const { mailing, recipients } = await rig.progress(mailingId);
    expect(mailing).toMatchObject({ numSent: 0, numErrors: 0 });
    // Two tell that it is silent to everybody, and one at a time tries again; the others go back without an attempt.
    expect(recipients.filter(({ attempts }) => attempts > 0).length).toBeLessThan(10);
    rig.inbox.answer = undefined;
    await rig.reached(mailingId, 'completed', 25_000);
    await rig.assertAllSent(mailingId, 90);
  }, 60_000);

  it('that restarts leaves in doubt what it had on its connections, and the mailing goes on', async () => {
    // It has a message on each connection, and goes away with all of them.
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

  it('that greets and is silent to every message, outage after outage, is stopped by the error guard', async () => {
    rig.inbox.answer = silent;
    // It greets, so the mailing goes on by itself after each pause.
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

  it('that takes each message and hangs up, outage after outage, is stopped by the error guard', async () => {
    const MOST = 10;
    rig.inbox.answer = ({ command }) => (command === 'END' ? 'close' : undefined);
    // It can be reached, so the mailing goes on by itself after each pause.
    const app = await rig.boot({ run: { transportOutageTimeoutMs: 0 }, errorGuard: { sampleSize: MOST } });
    const mailingId = await rig.send(app, 90);
    await waitUntil(async () => isStopped(mailingId), { what: 'the error guard', deadlineMs: 25_000 });
    const { byStatus } = await rig.progress(mailingId);
    expect(byStatus.in_doubt).toBeGreaterThanOrEqual(MOST);
    // At the last one the other connections had a message too.
    expect(byStatus.in_doubt).toBeLessThan(MOST + 20);
  }, 60_000);
});

forEachDatabase('a mail server that falls silent to batches whose failures add up', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('is an outage too', async () => {
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
