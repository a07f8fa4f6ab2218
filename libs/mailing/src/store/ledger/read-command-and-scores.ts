import type { GuardScores } from '../../model/states/guard-scores.js';
import type { MailingStatus } from '../../model/states/mailing-status.js';
import type { BatchSlice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';

/**
 * Reads, for a commit of a batch, the command in its mailing's row and the error scores of the rest of the mailing: those of ended claims (in the
 * mailing's row) and those of the other claimed batches.
 *
 * - No lock is needed: scores and command may be a moment old (`fenceCommit`). Under SERIALIZABLE the query locks anyway: on MySQL and MariaDB the
 *   rows that are read are locked until the commit, so commits of batches wait for each other and may deadlock (1213); PostgreSQL may refuse a commit
 *   (40001). Nothing is lost: the commit is repeated as a whole.
 * - Index: primary key of the mailing; `(status, mailing_id, not_before)` for its claimed batches, as many as all servers run at a time.
 * - Rejected: one row with the sums of all batches. Each commit of each batch would wait for it.
 *
 * @throws Error if the mailing was removed.
 */
export async function readCommandAndScores(
  session: Session,
  { mailingId, batch }: BatchSlice,
): Promise<{ status: MailingStatus; elsewhere: GuardScores }> {
  const { mailing, mailBatch } = session.tables;
  const plusOthers = (column: string): string =>
    `${column} + COALESCE((SELECT SUM(${column}) FROM ${mailBatch}
       WHERE status = 'claimed' AND mailing_id = ? AND start_idx <> ?), 0)`;
  const others = [mailingId, batch.startIdx];
  const [row] = await session.rows<{ status: MailingStatus; suspect: unknown; failure: unknown }>(
    `SELECT status, ${plusOthers('suspect_score')} AS suspect, ${plusOthers('failure_score')} AS failure
     FROM ${mailing} WHERE id = ?`,
    [...others, ...others, mailingId],
  );
  const { status, suspect, failure } = row;
  return { status, elsewhere: { suspect: Number(suspect), failure: Number(failure) } };
}
