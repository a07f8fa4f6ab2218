import type { BatchSlice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';

/**
 * Adds the counters of a batch to its mailing. `is_summarized`, set in the same transaction, records it.
 *
 * - Lock order: the batch's row, then the mailing's, both held by `endBatch`; index: primary keys.
 */
export async function mergeBatch(session: Session, { mailingId, batch }: BatchSlice): Promise<void> {
  const { mailing, mailBatch } = session.tables;
  const plus = (column: string): string =>
    `${column} = ${column} + (SELECT ${column} FROM ${mailBatch} WHERE mailing_id = ? AND start_idx = ?)`;
  const key = [mailingId, batch.startIdx];
  await session.change(
    `UPDATE ${mailing} SET ${plus('num_sent')}, ${plus('num_errors')}, ${plus('num_skipped')} WHERE id = ?`,
    [...key, ...key, ...key, mailingId],
  );
}

/**
 * Adds the counters of the unfinished batches of a canceled mailing to its row, so that the row has the totals. Changes nothing if the mailing is not
 * canceled or has no batches.
 *
 * - Lock order: the mailing's row, held by the caller, then its batches. Index: primary key, all batches of the mailing, once in its life.
 */
export async function mergeRestOfCanceled(session: Session, mailingId: string): Promise<void> {
  const { mailing, mailBatch } = session.tables;
  // Another process may be settling recipients in doubt in one of these batches, or making them due again.
  const rest = (column: string): string =>
    `SELECT ${column} FROM ${mailBatch} WHERE mailing_id = ? AND is_summarized = FALSE ${session.dialect.whileItLasts}`;
  const plusAll = (column: string): string =>
    `${column} = ${column} + (SELECT COALESCE(SUM(${column}), 0) FROM (${rest(column)}) AS rest)`;
  const merged = await session.change(
    `UPDATE ${mailing} SET commit_seq = commit_seq + 1, ${plusAll('num_sent')}, ${plusAll('num_errors')}, ${plusAll('num_skipped')}
     WHERE id = ? AND is_batched = TRUE AND status = 'canceled'`,
    [mailingId, mailingId, mailingId, mailingId],
  );
  if (merged !== 1) return;
  await session.change(
    `UPDATE ${mailBatch} SET is_summarized = TRUE WHERE mailing_id = ? AND is_summarized = FALSE`,
    [mailingId],
  );
}
