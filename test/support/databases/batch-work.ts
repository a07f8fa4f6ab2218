import assert from 'node:assert/strict';
import type { DataSource } from 'typeorm';
import type { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import type { HeldClaim } from '../../../libs/mailing/src/store/ledger/held-claim.js';
import { MailingLedger } from '../../../libs/mailing/src/store/ledger/mailing.ledger.js';
import { TemplateEmailBatchPersister } from '../../../libs/mailing/src/store/claims/template-email-batch.persister.js';
import { NUM_FORGOTTEN, restoreAll, sentAndForgotten } from './sent-and-forgotten.js';

const QUIET = { outcomes: [], deferred: [], returned: [], capacity: 0, inFlight: 0, release: null };
/** What the work expects of the list: batches of so many, and each batch is worked on in its own range. */
export const BATCH = 100;

/** All that is done to batches of one mailing, for tests that read the plans of the statements. */
export class BatchWork {
  readonly batches: TemplateEmailBatchPersister;

  constructor(
    private readonly database: MailingDatabase,
    private readonly mailingId: string,
    private readonly server: { uniqServerId: string; incarnation: string },
  ) {
    this.batches = new TemplateEmailBatchPersister(database);
  }

  async claim(startIdx: number, token: string): Promise<HeldClaim> {
    const { uniqServerId, incarnation } = this.server;
    const name = { mailingId: this.mailingId, startIdx };
    const claim = await this.batches.claim(name, uniqServerId, `${incarnation}#${token}`);
    if (!claim) throw new Error('The batch could not be claimed.');
    return claim;
  }

  /** Commits with sent and deferred recipients, and releases the batch. */
  async commitAndRelease(): Promise<void> {
    const ledger = new MailingLedger(this.database, await this.claim(BATCH, '2'));
    await ledger.commit({ ...QUIET, capacity: 50, inFlight: 50 });
    const deferred = [{ idx: 100, code: '4.2.0', text: 'greylisted', delayMs: 3_600_000 }];
    // After failures a commit reads the other running batches, too.
    const scores = { suspect: 20, failure: 20 };
    const guard = { scores, sums: scores };
    const outcomes = sent(101, 150);
    await ledger.commit({ ...QUIET, outcomes, deferred, capacity: 50, inFlight: 50, guard });
    await ledger.commit({ ...QUIET, outcomes: sent(150, 200), capacity: 50 });
    const end = await ledger.commit({ ...QUIET, release: { kind: 'yield' } });
    assert(end.kind === 'ended' && end.status === 'pending');
  }

  /** Sends a whole batch, so that it ends and is merged. */
  async complete(): Promise<void> {
    const ledger = new MailingLedger(this.database, await this.claim(2 * BATCH, '3'));
    await ledger.commit({ ...QUIET, capacity: 100, inFlight: 100 });
    const end = await ledger.commit({ ...QUIET, outcomes: sent(200, 300), capacity: 1 });
    assert(end.kind === 'ended' && end.status === 'completed' && end.mailing === 'in_progress');
  }

  /** Restores commits that the database has forgotten. @param begun called right before it. */
  async restore(dataSource: DataSource, begun: () => void): Promise<void> {
    await sentAndForgotten(this.database, dataSource, await this.claim(4 * BATCH, '5'));
    await sentAndForgotten(this.database, dataSource, await this.claim(14 * BATCH, '6'));
    begun();
    const { uniqServerId, incarnation } = this.server;
    const restored = await restoreAll(this.database, uniqServerId, incarnation);
    assert.deepEqual(
      restored.map((one) => [one.numKnown, one.numInFlight]),
      [
        [NUM_FORGOTTEN, 0],
        [NUM_FORGOTTEN, 0],
      ],
    );
  }

  /** Recovers the first batch, whose claim holder is dead. */
  async recover(): Promise<void> {
    const { uniqServerId, incarnation } = this.server;
    const dead = (await this.batches.claimedByDead(uniqServerId)).filter((one) => one.batch.startIdx === 0);
    assert.equal(dead.length, 1);
    const how = { resend: false, evidence: null };
    assert.notEqual(await this.batches.recover(dead[0], uniqServerId, `${incarnation}#4`, how), null);
  }
}

function sent(from: number, to: number) {
  return Array.from(
    { length: to - from },
    (_, n) => ({ idx: from + n, status: 'sent', code: null, text: null }) as const,
  );
}
