import type { Session } from '../database/mailing.database.js';
import { WATERMARKS } from '../database/progress-row.js';

/** The part of a list to cut into batches. */
export interface Cut {
  /** Number of idx values per batch. */
  batchSize: number;
  /** A multiple of `batchSize`. */
  fromIdx: number;
  /** Exclusive. */
  toIdx: number;
}

/**
 * Cuts the part of a list that has just been written into batches of equal length. Each batch with a pending recipient gets one row.
 *
 * - Lock order: after the mailing's row (`fenceLoading` or `finishList`) and its recipients, in the transaction that wrote the last of these
 *   recipients; so a complete list always has its batches.
 * - Index: a range of the primary key of both recipient tables, the rows of one chunk.
 * - The database counts the recipients, because only the database knows which ones were dropped as duplicates. A batch without recipients gets no
 *   row, because no run could complete it.
 * - Rejected: cutting the complete list in one statement. That would be a million rows in one transaction.
 */
export async function partitionBatches(
  session: Session,
  mailingId: string,
  { batchSize, fromIdx, toIdx }: Cut,
): Promise<void> {
  if (toIdx <= fromIdx) return;
  const { mailBatch, emailAddress, userMailing } = session.tables;
  const range = [mailingId, fromIdx, toIdx];
  const starts = (table: string): string =>
    `SELECT idx - ${session.dialect.modulo('idx', String(batchSize))} AS start_idx FROM ${table}
     WHERE mailing_id = ? AND idx >= ? AND idx < ? AND status = 'pending'`;
  await session.change(
    `INSERT INTO ${mailBatch}
       (mailing_id, start_idx, end_idx, status, not_before, num_profiles, ${WATERMARKS.join(', ')})
     SELECT ?, start_idx, start_idx + ${batchSize}, 'free', ${session.dialect.now}, COUNT(*), ${WATERMARKS.map(() => 'start_idx').join(', ')}
     FROM (${starts(emailAddress)} UNION ALL ${starts(userMailing)}) AS listed GROUP BY start_idx`,
    [mailingId, ...range, ...range],
  );
}
