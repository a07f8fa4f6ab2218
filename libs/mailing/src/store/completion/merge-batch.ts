import type { BatchSlice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';
import { COUNTERS } from '../database/progress-row.js';

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
  await session.change(`UPDATE ${mailing} SET ${COUNTERS.map(plus).join(', ')} WHERE id = ?`, [
    ...COUNTERS.flatMap(() => key),
    mailingId,
  ]);
}
