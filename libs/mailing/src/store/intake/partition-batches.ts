import type { Session } from '../database/mailing.database.js';

/** Which part of a list is cut. */
export interface Cut {
  /** Places of one batch. */
  batchSize: number;
  /** A multiple of `batchSize`. */
  fromIdx: number;
  /** Not included. */
  toIdx: number;
}

/**
 * Cuts the part of a list that has just been written in batches of equal length, one row for each that has somebody to send
 * to.
 *
 * - Lock order: after the mailing's row (`fenceLoading` or `finishList`) and its recipients, in the transaction that wrote
 *   the last of them; so a list has its batches whenever it is complete.
 * - Index: a range of the primary key of both recipient tables, the rows of one chunk.
 * - The database counts: which of the recipients were dropped as duplicates, nobody else knows. A batch without recipients
 *   gets no row, because nobody could complete it.
 * - Rejected: cutting when the list is complete, in one statement over all of it. A million rows in one transaction.
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
       (mailing_id, start_idx, end_idx, status, not_before, num_profiles, low_water_idx, next_idx, high_water_idx)
     SELECT ?, start_idx, start_idx + ${batchSize}, 'free', ${session.dialect.now}, COUNT(*), start_idx, start_idx, start_idx
     FROM (${starts(emailAddress)} UNION ALL ${starts(userMailing)}) AS listed GROUP BY start_idx`,
    [mailingId, ...range, ...range],
  );
}
