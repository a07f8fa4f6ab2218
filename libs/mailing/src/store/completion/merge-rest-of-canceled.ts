import type { Session } from '../database/mailing.database.js';
import { COUNTERS } from '../database/progress-row.js';

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
    `UPDATE ${mailing} SET commit_seq = commit_seq + 1, ${COUNTERS.map(plusAll).join(', ')}
     WHERE id = ? AND is_batched = TRUE AND status = 'canceled'`,
    [...COUNTERS.map(() => mailingId), mailingId],
  );
  if (merged !== 1) return;
  await session.change(
    `UPDATE ${mailBatch} SET is_summarized = TRUE WHERE mailing_id = ? AND is_summarized = FALSE`,
    [mailingId],
  );
}
