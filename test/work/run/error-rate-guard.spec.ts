import { describe, expect, it } from 'vitest';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { batchesOf, sendBatched } from '../../support/hosts/batched-mailing.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import type { SmtpHook } from '../../support/network/smtp-step.js';
import { waitUntil } from '../../support/wait-until.js';

const MAIL_SERVER = { enabledAsTemplateMailServer: true };

/** Accepts this many messages, and then answers each further sender with this. */
function afterThat(count: number, answer: { code: number; text: string }): SmtpHook {
  let taken = 0;
  return ({ command }) => (command === 'MAIL' && ++taken > count ? answer : undefined);
}

/** Short enough for a test, with enough attempts for those that are made before the pause. */
const RETRIES = { retry: { maxAttempts: 50, initialDelayMs: 2_000 } };

/** Sends to 800 recipients, of which the mail server takes 500, and resolves with the numbers at the pause. */
async function pauseAfter500(
  rig: MailingRig,
  answer: { code: number; text: string },
): Promise<Record<string, number>> {
  rig.inbox.answer = afterThat(500, answer);
  const app = await rig.boot(RETRIES);
  const mailingId = await rig.send(app, 800);
  const { statusReason } = await rig.reached(mailingId, 'paused', 25_000);
  expect(statusReason).toContain('error rate: 50 of the last 50 attempts failed with');
  expect(statusReason).toContain(answer.text.replace(/^[\d.]+ /, ''));
  const { byStatus } = await rig.progress(mailingId);
  expect(byStatus.error).toBeUndefined();
  expect(byStatus.deferred).toBeLessThan(80);

  rig.inbox.answer = undefined;
  await app.sender.resume(mailingId);
  await rig.reached(mailingId, 'completed', 25_000);
  await rig.assertAllSent(mailingId, 800);
  return byStatus;
}

forEachDatabase('the error guard of a mailing', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('pauses after tens of failures where the mail server takes 500 messages and refuses all others, and no recipient is consumed', async () => {
    const atPause = await pauseAfter500(rig, { code: 550, text: '5.4.5 Daily user sending limit exceeded' });
    expect(atPause).toMatchObject({ sent: 500, pending: 300 - (atPause.deferred ?? 0) });
  });

  it('pauses early, and again after a resume, where each message gets 450 4.1.8, without a second attempt for the whole list', async () => {
    let attempts = 0;
    rig.inbox.answer = ({ command }) => {
      if (command !== 'MAIL') return undefined;
      attempts++;
      return { code: 450, text: '4.1.8 Sender address rejected: Domain not found' };
    };
    const app = await rig.boot({ retry: { initialDelayMs: 60_000 } });
    const mailingId = await rig.send(app, 800);
    const { statusReason } = await rig.reached(mailingId, 'paused');
    expect(statusReason).toMatch(/^error rate: 50 of the last 50 attempts failed with 4\.1\.8: /);
    expect(attempts).toBeLessThan(80);
    const first = await rig.progress(mailingId);
    // The jitter of a retry may bring one of them back before the pause.
    expect(first.recipients.reduce((sum, one) => sum + one.attempts, 0)).toBe(attempts);
    const numTried = first.recipients.filter((one) => one.attempts > 0).length;
    expect(first.byStatus.pending).toBe(800 - numTried);

    await app.sender.resume(mailingId);
    await rig.reached(mailingId, 'in_progress');
    await rig.reached(mailingId, 'paused');
    const second = await rig.progress(mailingId);
    expect(second.byStatus.deferred).toBeGreaterThanOrEqual(100);
    expect(second.byStatus.deferred).toBeLessThan(160);
  });

  it('counts failures from before a restart', async () => {
    rig.inbox.answer = ({ command, to }) => {
      if (command !== 'RCPT') return undefined;
      // From here on the server stops answering, and the process stops in the middle.
      return Number(/\d+/.exec(to[0])?.[0]) < 30 ? { code: 550, text: '5.7.1 blocked' } : 'hang';
    };
    const app = await rig.boot({ server: { shutdownTimeoutMs: 100 } });
    const mailingId = await rig.send(app, 500);
    await waitUntil(async () => (await rig.progress(mailingId)).byStatus.error === 30, { what: '30 errors' });
    await app.close();
    rig.inbox.answer = ({ command }) =>
      command === 'RCPT' ? { code: 550, text: '5.7.1 blocked' } : undefined;
    await rig.boot();
    await rig.reached(mailingId, 'paused');
    const { byStatus } = await rig.progress(mailingId);
    expect(byStatus.error).toBeLessThan(70);
  });

  it.each([
    ['at its head', (n: number) => n < 200],
    ['all over it', (n: number) => n % 10 === 3],
  ])('does not stop a list with 10 % bad addresses %s', async (_where, isBad) => {
    rig.inbox.answer = ({ command, to }) =>
      command === 'RCPT' && isBad(Number(/\d+/.exec(to[0])?.[0]))
        ? { code: 550, text: '5.1.1 no such user' }
        : undefined;
    const app = await rig.boot();
    const mailingId = await rig.send(app, 2_000);
    await rig.reached(mailingId, 'completed', 25_000);
    const progress = await rig.progress(mailingId);
    assertProgressAddsUp(progress);
    expect(progress.byStatus).toEqual({ error: 200, sent: 1_800 });
  });

  it('does not stop a mailing for a few recipients that are deferred at each attempt, when only they are left', async () => {
    rig.inbox.answer = ({ command, to }) =>
      command === 'RCPT' && /reader\d*7@/.test(to[0]) ? { code: 451, text: '4.3.0 not now' } : undefined;
    const app = await rig.boot({ retry: { maxAttempts: 3, initialDelayMs: 500, maxDelayMs: 500 } });
    const mailingId = await rig.send(app, 700);
    await rig.reached(mailingId, 'completed', 25_000);
    expect((await rig.progress(mailingId)).byStatus).toEqual({ error: 70, sent: 630 });
  });

  it('adds up the failures of all batches, also of batches that run one after another', async () => {
    rig.inbox.answer = afterThat(300, { code: 550, text: '5.4.5 Daily user sending limit exceeded' });
    const app = await rig.boot({ ...MAIL_SERVER, ...RETRIES });
    const info = { ...INFO, batched: true, batchSize: 20 };
    const { mailingId } = await app.sender.sendEmailMessage(info, people(900), { persist: true });
    const id = mailingId as string;
    const { statusReason } = await rig.reached(id, 'paused', 25_000);
    expect(statusReason).toMatch(/^error rate: \d+ of the last \d+ attempts failed with 5\.4\.5: /);
    const { byStatus } = await rig.progress(id);
    expect(byStatus.sent).toBe(300);
    expect(byStatus.error).toBeUndefined();
    expect(byStatus.deferred).toBeLessThan(120);

    rig.inbox.answer = undefined;
    await app.sender.resume(id);
    await rig.reached(id, 'completed', 30_000);
    await rig.assertAllSent(id, 900);
  }, 60_000);

  it('does not stop a batch that succeeds for the score that it read of another batch, which succeeds by now, too', async () => {
    const [heard, ahead, together] = [gate(), gate(), gate()];
    const isRefused = script([
      { batch: 1, refused: 48, next: ahead },
      { batch: 0, refused: 3, next: heard },
      { batch: 0, taken: 50, next: together },
      { batch: 0, refused: 5 },
    ]);
    const begin = gate();
    rig.inbox.answer = async ({ command, to }) => {
      if (command !== 'RCPT') return undefined;
      const batch = Math.floor(Number(/\d+/.exec(to[0])?.[0]) / 100);
      if (batch === 0) await begin.opened;
      return (await isRefused(batch)) ? { code: 450, text: '4.1.8 Sender address rejected' } : undefined;
    };
    const retry = { initialDelayMs: 3_600_000 };
    const app = await rig.boot({ ...MAIL_SERVER, retry, batch: { pollIntervalMs: 50 } });
    const id = await sendBatched(app, 200, { batchSize: 100 });
    const scored = (batch: number, score: number, numSent: number): Promise<unknown> =>
      waitUntil(
        async () => {
          const row = (await batchesOf(rig, id))[batch];
          return row.numSent >= numSent && row.suspectScore === score;
        },
        { what: `batch ${batch} to have the score ${score}` },
      );
    // Each batch stores its score less two failures.
    await scored(1, 46 * 20, 0);
    begin.open();
    await scored(0, 1 * 20, 0);
    heard.open();
    await scored(0, 0, 40);
    ahead.open();
    await scored(1, 0, 20);
    // All at once, so that no commit comes between.
    together.open();
    await waitUntil(async () => !(await rig.progress(id)).byStatus.pending || isPaused(rig, id), {
      what: 'the end',
    });
    expect(await app.query.get(id)).toMatchObject({ status: 'in_progress', statusReason: null });
  });

  it.each([false, true])(
    'waits for a full sample again after a resume that comes before the pause takes effect (batched: %s)',
    async (batched) => {
      const refusal = { code: 450, text: '4.1.8 Sender address rejected' };
      const held = gate();
      let asked = 0;
      rig.inbox.answer = async ({ command }) => {
        if (command !== 'MAIL') return undefined;
        const turn = ++asked;
        if (turn > 30 && turn <= 35) await held.opened;
        return turn <= 60 ? refusal : undefined;
      };
      const retry = { initialDelayMs: 3_600_000 };
      const app = await rig.boot({ ...MAIL_SERVER, retry, batch: { pollIntervalMs: 50 } });
      const info = { ...INFO, batched, batchSize: 120 };
      const { mailingId } = await app.sender.sendEmailMessage(info, people(120), { persist: true });
      const id = mailingId as string;
      await waitUntil(async () => (await rig.progress(id)).byStatus.deferred === 30, { what: '30 refusals' });
      expect(await app.sender.pause(id)).toBe('pausing');
      expect(await app.sender.resume(id)).toBe('in_progress');
      held.open();
      await waitUntil(async () => asked >= 120 || isPaused(rig, id), { what: 'the end' });
      expect((await app.query.get(id))?.statusReason).toBeNull();
    },
  );
});

interface Gate {
  opened: Promise<void>;
  open: () => void;
}

function gate(): Gate {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

async function isPaused(rig: MailingRig, id: string): Promise<boolean> {
  return (await rig.progress(id)).mailing.status === 'paused';
}

/** The outcomes of the recipients of each batch, in order; the next step waits at its gate. All others are accepted. */
function script(
  steps: { batch: number; refused?: number; taken?: number; next?: Gate }[],
): (batch: number) => Promise<boolean> {
  return async (batch) => {
    for (const step of steps) {
      if (step.batch !== batch) continue;
      if (step.refused) return step.refused-- > 0;
      if (step.taken) {
        step.taken--;
        return false;
      }
      await step.next?.opened;
    }
    return false;
  };
}

describe('the error guard, by the answer of the mail server', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it.each([
    { code: 552, text: '5.2.2 relay quota exceeded' },
    { code: 554, text: 'Sending paused for this account' },
  ])('pauses also at $code $text', async (answer) => {
    expect(await pauseAfter500(rig, answer)).toMatchObject({ sent: 500 });
  });
});
