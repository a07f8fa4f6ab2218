import type { BatchName } from '../../model/ports/dispatcher.js';
import type { BatchSlice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';

/** Where a batch begins and ends; index: primary key. */
export async function readBatchRange(
  session: Session,
  { mailingId, startIdx }: BatchName,
): Promise<BatchSlice> {
  const [row] = await session.rows<{ end_idx: number }>(
    `SELECT end_idx FROM ${session.tables.mailBatch} WHERE mailing_id = ? AND start_idx = ?`,
    [mailingId, startIdx],
  );
  return { mailingId, batch: { startIdx, endIdx: Number(row.end_idx) } };
}
