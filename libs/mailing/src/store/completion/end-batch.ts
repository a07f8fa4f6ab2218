import type { GuardReport, GuardScores } from '../../model/states/guard-scores.js';
import type { Release } from '../../model/ports/ledger.js';
import type { MailingStatus } from '../../model/states/mailing-status.js';
import type { BatchSlice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';
import { belongsTo, NUM_SETTLED } from '../database/progress-row.js';
import { completeMailing } from './complete-mailing.js';
import { readMailingStatus } from '../database/read-mailing-status.js';
import { mergeBatch } from './merge-batch.js';
import { pauseMailing } from './pause-mailing.js';
import { applyCommand } from './apply-command.js';

/** What a batch reports about its attempts when its claim ends. */
export interface BatchReport extends GuardReport {
  /** A command stopped it. */
  isDraining?: boolean;
}

/** How the claim on a batch ended, and the status of its mailing afterwards. */
export interface BatchEnd {
  isComplete: boolean;
  mailing: MailingStatus;
}

/**
 * Ends a claim on a batch with nothing in flight. The batch is completed and merged if every recipient is settled, otherwise it is freed. Call it at
 * the end of the commit that settled the last recipients.
 *
 * - Lock order: the batch's row is held since `fenceCommit`, recipients after it; then the mailing's row. The batch changes its state only under that
 *   lock. So of any number of batches that end together, the last one sees all others ended: it completes the mailing, or carries out the requested
 *   pause or cancel.
 * - The mailing's row is held from here to the commit, which is next. The statement that locks it also updates its scores of the error guard.
 * - Rejected: merging in a separate job. A crash in between would leave counters that do not add up.
 */
export async function endBatch(
  session: Session,
  slice: BatchSlice,
  release: Release | null,
  guard: BatchReport,
): Promise<BatchEnd> {
  const { mailingId } = slice;
  await lockMailing(session, mailingId, guard);
  const isComplete = await completeBatch(session, slice);
  if (isComplete) {
    await mergeBatch(session, slice);
    if (await completeMailing(session, mailingId)) return { isComplete, mailing: 'completed' };
  } else {
    await freeBatch(session, slice, release?.kind === 'yield');
  }
  if (release?.kind === 'pause') await pauseMailing(session, mailingId, release.reason);
  await applyCommand(session, mailingId);
  return { isComplete, mailing: await readMailingStatus(session, mailingId) };
}

/**
 * The attempts of the batch count as one sequence that follows those of all claims that ended before: max(own, before + sum). A batch that was
 * stopped by a command does not change the scores of a mailing that is in progress again: the pause was called off, and the error guard started anew.
 */
async function lockMailing(
  session: Session,
  mailingId: string,
  { scores, sums, isDraining }: BatchReport,
): Promise<void> {
  const joined = (column: string): string =>
    `${column} = CASE ${isDraining ? `WHEN status = 'in_progress' THEN ${column}` : ''} WHEN ${column} + ? > ? THEN ${column} + ? ELSE ? END`;
  const values = (which: keyof GuardScores): number[] => {
    const [own, sum] = [scores[which], sums[which]];
    return [sum, own, sum, own];
  };
  await session.change(
    `UPDATE ${session.tables.mailing}
     SET commit_seq = commit_seq + 1, ${joined('suspect_score')}, ${joined('failure_score')} WHERE id = ?`,
    [...values('suspect'), ...values('failure'), mailingId],
  );
}

/** The sum in the `WHERE` keeps the promise: a batch whose counters do not add up to its recipients is never completed. */
async function completeBatch(session: Session, { mailingId, batch }: BatchSlice): Promise<boolean> {
  const changed = await session.change(
    `UPDATE ${session.tables.mailBatch}
     SET status = 'complete', is_summarized = TRUE, claim_token = NULL, end_time = ${session.dialect.now}
     WHERE mailing_id = ? AND start_idx = ? AND status = 'claimed' AND is_summarized = FALSE
       AND ${NUM_SETTLED} = num_profiles`,
    [mailingId, batch.startIdx],
  );
  return changed === 1;
}

/** Frees a batch for any server. A batch that only waits for next attempts of its recipients may not be claimed before the first of them is due. */
async function freeBatch(session: Session, slice: BatchSlice, hasOnlyDeferred: boolean): Promise<void> {
  const { tables, dialect } = session;
  const own = belongsTo(slice);
  const soonest = `COALESCE((SELECT MIN(next_attempt_at) FROM ${tables.mailDeferred} WHERE ${own.sql}), ${dialect.now})`;
  await session.change(
    `UPDATE ${tables.mailBatch}
     SET status = 'free', claim_token = NULL, uniq_server_id = NULL, not_before = ${hasOnlyDeferred ? soonest : dialect.now}
     WHERE mailing_id = ? AND start_idx = ? AND status = 'claimed'`,
    [...(hasOnlyDeferred ? own.parameters : []), slice.mailingId, slice.batch.startIdx],
  );
}
