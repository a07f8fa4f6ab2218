import type { Slice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';
import { progressRowOf } from '../database/progress-row.js';
import { placeholders } from '../database/placeholders.js';

/**
 * Settles recipients in doubt with a known outcome. Recipients `in_doubt` are counted as errors already, so only those that turn out to be sent move
 * from one counter to the other, in each row where they are counted.
 *
 * - Lock order: the progress row (`lockProgress`), recipients; for a batch, its mailing's row last. Index: primary keys.
 */
export async function settleInDoubtRows(
  session: Session,
  table: string,
  slice: Slice,
  indexes: number[],
  as: 'sent' | 'error',
): Promise<void> {
  const texts = as === 'sent' ? ', error_code = NULL, error_text = NULL' : '';
  await session.change(
    `UPDATE ${table} SET status = ?, changed_at = ${session.dialect.now}${texts}
     WHERE mailing_id = ? AND idx IN (${placeholders(indexes)}) AND status = 'in_doubt'`,
    [as, slice.mailingId, ...indexes],
  );
  if (as === 'error') return;
  const { mailing, mailBatch } = session.tables;
  const progress = progressRowOf(session, slice);
  const move = 'SET num_errors = num_errors - ?, num_sent = num_sent + ?';
  const counts = [indexes.length, indexes.length];
  await session.change(`UPDATE ${progress.table} ${move} WHERE ${progress.sql}`, [
    ...counts,
    ...progress.parameters,
  ]);
  if (!slice.batch) return;
  await session.change(
    `UPDATE ${mailing} ${move}
     WHERE id = ? AND EXISTS (SELECT 1 FROM ${mailBatch} WHERE ${progress.sql} AND is_summarized = TRUE)`,
    [...counts, slice.mailingId, ...progress.parameters],
  );
}
