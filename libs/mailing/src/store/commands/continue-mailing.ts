import type { Session } from '../database/mailing.database.js';
import { COUNTERS } from '../database/progress-row.js';
import { partitionBatches } from '../recipients/partition-batches.js';

/** A mailing that was ended before all of its recipients were settled. */
interface EndedMailing {
  isListComplete: boolean;
  /** Null: one server sends the whole mailing. */
  batchSize: number | null;
}

/**
 * Makes a mailing `pending` again that was canceled, or whose list failed. Recipients without an outcome are sent to; all others keep theirs.
 *
 * - Lock order: the mailing's row, by an update that changes nothing, then its batches; nothing is in flight in these states, and no run has a claim.
 *   Index: primary keys.
 * - The counters of unfinished batches were added to the mailing's row when it was canceled (`mergeRestOfCanceled`), and are taken out of it again.
 * - A list that was not finished has no number of recipients: its rows are counted, once, which takes about a second for a million. The part of it that
 *   was written after its last batch is cut now. What the writer had not read is not there.
 * - The scores of the error guard are set to 0, as by a resume. `status` comes last: MySQL evaluates assignments from left to right.
 *
 * @param toServerId the server that continues the mailing if it is not batched; null: its present owner.
 * @returns false if it is neither canceled nor failed.
 */
export async function continueMailing(
  session: Session,
  mailingId: string,
  toServerId: string | null,
): Promise<boolean> {
  const ended = await lockEnded(session, mailingId);
  if (!ended) return false;
  const { mailing } = session.tables;
  if (ended.batchSize !== null) await separateBatches(session, mailingId);
  const listed = ended.isListComplete ? null : await finishList(session, mailingId, ended);
  const list = listed ? `num_profiles = ?, is_batched = ${listed.isBatched ? 'TRUE' : 'FALSE'},` : '';
  await session.change(
    `UPDATE ${mailing}
     SET ${list} uniq_server_id = COALESCE(?, uniq_server_id), claim_token = NULL, do_not_start_after = NULL,
       status_reason = NULL, end_time = NULL, suspect_score = 0, failure_score = 0, status = 'pending'
     WHERE id = ? AND status IN ('canceled', 'failed')`,
    [...(listed ? [listed.numProfiles] : []), toServerId, mailingId],
  );
  return true;
}

async function lockEnded(session: Session, mailingId: string): Promise<EndedMailing | null> {
  const { mailing } = session.tables;
  const isEnded = await session.change(
    `UPDATE ${mailing} SET commit_seq = commit_seq + 1 WHERE id = ? AND status IN ('canceled', 'failed')`,
    [mailingId],
  );
  if (isEnded !== 1) return null;
  const [row] = await session.rows<{ status: string; num_profiles: unknown; batch_size: unknown }>(
    `SELECT status, num_profiles, batch_size FROM ${mailing} WHERE id = ?`,
    [mailingId],
  );
  return {
    // A list that was canceled while it was being written has no number yet either.
    isListComplete: row.status === 'canceled' && Number(row.num_profiles) > 0,
    batchSize: row.batch_size === null ? null : Number(row.batch_size),
  };
}

async function separateBatches(session: Session, mailingId: string): Promise<void> {
  const { mailing, mailBatch } = session.tables;
  const unfinished = `mailing_id = ? AND status <> 'complete' AND is_summarized = TRUE`;
  const minus = (column: string): string =>
    `${column} = ${column} - (SELECT COALESCE(SUM(${column}), 0) FROM ${mailBatch} WHERE ${unfinished})`;
  await session.change(`UPDATE ${mailing} SET ${COUNTERS.map(minus).join(', ')} WHERE id = ?`, [
    ...COUNTERS.map(() => mailingId),
    mailingId,
  ]);
  await session.change(
    `UPDATE ${mailBatch} SET is_summarized = FALSE, status = 'free', claim_token = NULL, uniq_server_id = NULL,
       not_before = ${session.dialect.now}, end_time = NULL
     WHERE mailing_id = ? AND status <> 'complete'`,
    [mailingId],
  );
}

/** @returns what `finishList` of the intake would have written. */
async function finishList(
  session: Session,
  mailingId: string,
  { batchSize }: EndedMailing,
): Promise<{ numProfiles: number; isBatched: boolean }> {
  const { emailAddress, userMailing, mailBatch } = session.tables;
  let numProfiles = 0;
  let endIdx = 0;
  for (const table of [emailAddress, userMailing]) {
    const [row] = await session.rows<{ count: unknown; last: unknown }>(
      `SELECT COUNT(*) AS count, MAX(idx) AS last FROM ${table} WHERE mailing_id = ?`,
      [mailingId],
    );
    numProfiles += Number(row.count);
    if (row.last !== null) endIdx = Math.max(endIdx, Number(row.last) + 1);
  }
  if (batchSize === null) return { numProfiles, isBatched: false };
  const lastBatch = async (): Promise<number | null> => {
    const [row] = await session.rows<{ end_idx: unknown }>(
      `SELECT MAX(end_idx) AS end_idx FROM ${mailBatch} WHERE mailing_id = ?`,
      [mailingId],
    );
    return row.end_idx === null ? null : Number(row.end_idx);
  };
  await partitionBatches(session, mailingId, {
    batchSize,
    fromIdx: (await lastBatch()) ?? 0,
    toIdx: endIdx,
  });
  return { numProfiles, isBatched: (await lastBatch()) !== null };
}
