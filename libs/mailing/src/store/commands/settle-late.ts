import type { MailingStatus } from '../../model/states/mailing-status.js';
import type { Slice } from '../../model/states/slice.js';
import type { MailingDatabase } from '../database/mailing.database.js';
import { readMailingStatus } from '../database/read-mailing-status.js';
import { RECIPIENT_TABLES } from '../recipients/open-recipient.js';
import { hasUnsettled } from './find-retryable.js';
import { lockProgress } from './lock-progress.js';
import { type LostClaim, retryUnsent } from './retry-unsent.js';
import { settleDoubtful } from './resolve-doubtful.js';

/** What a process knows of recipients that were in flight when it lost a claim. */
export interface LateKnowledge extends LostClaim {
  /** Idx of recipients whose message the mail server accepted. */
  sent: number[];
  /** Idx of recipients that were never handed over. */
  unsent: number[];
}

export interface SettledLate {
  /** Idx of the recipients that were in doubt and are sent now. */
  settled: Set<number>;
  /** How many were in doubt and are tried again. */
  numRetried: number;
  /** False if some of the recipients may still become in doubt, because their rows are `pending` or `sending`. */
  isOver: boolean;
}

/**
 * Settles recipients that are in doubt because a claim was lost, in one transaction. Recipients with another outcome are not changed.
 *
 * A mailing that has ended is not opened again for recipients that were never handed over: that is a decision of a person (`retry`).
 */
export function settleLate(
  database: MailingDatabase,
  slice: Slice,
  { sent, unsent, ...claim }: LateKnowledge,
): Promise<SettledLate> {
  return database.transaction(async (session) => {
    await lockProgress(session, slice);
    const isEnded = unsent.length > 0 && ENDED.includes(await readMailingStatus(session, slice.mailingId));
    const late: SettledLate = { settled: new Set(), numRetried: 0, isOver: true };
    for (const source of RECIPIENT_TABLES) {
      for (const idx of await settleDoubtful(session, slice, source, sent, 'sent')) late.settled.add(idx);
      if (!isEnded) late.numRetried += await retryUnsent(session, slice, source, unsent, claim);
      const indexes = [...sent, ...unsent];
      if (await hasUnsettled(session, session.tables[source], slice.mailingId, indexes)) late.isOver = false;
    }
    return late;
  });
}

const ENDED: readonly MailingStatus[] = ['completed', 'canceling', 'canceled', 'failed'];
