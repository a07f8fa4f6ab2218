import { expect, it } from 'vitest';
import { batchesOf, sendBatched, TAKES_BATCHES } from '../../support/hosts/batched-mailing.js';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { MailingRig } from '../../support/hosts/mailing-rig.js';

const numberOf = ([address]: readonly string[]): number => Number(/\d+/.exec(address)?.[0]);

/** The number of failures that pause, and those of each batch that are ignored. */
const SAMPLE = 50;
const NOISE = 2;
/**
 * Failures that a batch has not reported to the others, and recipients already marked, each at most `run.maxInDoubt` (10), of four batches at a time;
 * and the commit that takes the sum over its limit, which may bring as many.
 */
const UNHEARD = 4 * 2 * 10 + 10;

forEachDatabase('the error guard of a mailing in batches', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it.each([
    { batchSize: 20, where: 'at its head', isBad: (n: number) => n < 100 },
    { batchSize: 20, where: 'all over it', isBad: (n: number) => n % 10 === 3 },
    { batchSize: 250, where: 'at its head', isBad: (n: number) => n < 100 },
    { batchSize: 250, where: 'all over it', isBad: (n: number) => n % 10 === 3 },
  ])(
    'does not stop a list with a tenth of bad addresses, $where, in batches of $batchSize',
    async ({ batchSize, isBad }) => {
      rig.inbox.answer = ({ command, to }) =>
        command === 'RCPT' && isBad(numberOf(to)) ? { code: 550, text: '5.1.1 no such user' } : undefined;
      // Pauses at an eighth of the list, 126, instead of 500, which 100 failures would not come near.
      const app = await rig.boot({ ...TAKES_BATCHES, errorGuard: { sampleSize: 10 } });
      const mailingId = await sendBatched(app, 1_000, { batchSize });
      await rig.reached(mailingId, 'completed', 40_000);
      const progress = await rig.progress(mailingId);
      assertProgressAddsUp(progress);
      expect(progress.byStatus).toEqual({ error: 100, sent: 900 });
      expect(rig.inbox.countsByRecipient().size).toBe(900);
    },
    60_000,
  );

  it('pauses early when each sender address is deferred, in batches of 20', async () => {
    let attempts = 0;
    rig.inbox.answer = ({ command }) => {
      if (command !== 'MAIL') return undefined;
      attempts++;
      return { code: 450, text: '4.1.8 Sender address rejected: Domain not found' };
    };
    const app = await rig.boot({ ...TAKES_BATCHES, retry: { initialDelayMs: 60_000 } });
    const mailingId = await sendBatched(app, 1_000);
    const { statusReason } = await rig.reached(mailingId, 'paused', 25_000);
    expect(statusReason).toMatch(/^error rate: \d+ of the last \d+ attempts failed with 4\.1\.8: /);
    const { byStatus, recipients } = await rig.progress(mailingId);
    const { deferred, pending, ...others } = byStatus;
    expect({ sum: deferred + pending, others }).toEqual({ sum: 1_000, others: {} });
    // The delay is random, so a few are retried.
    expect(recipients.reduce((sum, one) => sum + one.attempts, 0)).toBe(attempts);
    const begun = (await batchesOf(rig, mailingId)).filter(({ nextIdx, startIdx }) => nextIdx > startIdx);
    expect(deferred).toBeLessThanOrEqual(SAMPLE + NOISE * begun.length + UNHEARD);
    expect(rig.inbox.messages).toEqual([]);
  });
});
