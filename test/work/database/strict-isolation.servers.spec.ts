import { expect, it } from 'vitest';
import { assertBatchesAddUp } from '../../support/databases/batch-progress.js';
import { sendBatched, TAKES_BATCHES } from '../../support/hosts/batched-mailing.js';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { forEachServer } from '../../support/databases/for-each-database.js';
import { MailingRig } from '../../support/hosts/mailing-rig.js';

const COUNT = 300;

forEachServer('SERIALIZABLE transactions', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('of batches that read the error scores of one another: all recipients are tried once, and the mailing is completed', async () => {
    const isBad = (to: string): boolean => Number(/\d+/.exec(to)?.[0]) % 3 > 0;
    let attempts = 0;
    rig.inbox.answer = ({ command, to }) => {
      if (command !== 'RCPT') return undefined;
      attempts++;
      return isBad(to[0]) ? { code: 550, text: '5.7.1 blocked' } : undefined;
    };
    const batch = { pollIntervalMs: 20, numBatchThreads: 6 };
    // Two of three failures raise the scores, and the limit is out of reach.
    const errorGuard = { sampleSize: 1_000, maxErrorPercent: 50 };
    const app = await rig.boot(
      { ...TAKES_BATCHES, batch, errorGuard },
      { dataSource: { isolationLevel: 'SERIALIZABLE' } },
    );
    const mailingId = await sendBatched(app, COUNT, { batchSize: 50 });
    await rig.reached(mailingId, 'completed', 40_000);
    const progress = await rig.progress(mailingId);
    assertProgressAddsUp(progress);
    await assertBatchesAddUp(rig.database.dataSource, mailingId);
    expect(progress.byStatus).toEqual({ sent: COUNT / 3, error: (2 * COUNT) / 3 });
    expect(attempts).toBe(COUNT);
    expect([...rig.inbox.countsByRecipient().values()]).toEqual(Array(COUNT / 3).fill(1));
  }, 60_000);
});
