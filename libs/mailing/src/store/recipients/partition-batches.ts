import type { ListCut } from '../../model/ports/mailing.persister.js';
import type { Session } from '../database/mailing.database.js';
import { inChunks, placeholders } from '../database/placeholders.js';
import { WATERMARKS } from '../database/progress-row.js';

/** A list of 10,000 within a transaction of the host may be cut into as many batches. */
const BATCHES_PER_STATEMENT = 1_000;

/**
 * Cuts the part of a list that has just been written into batches of equal length. Each batch with a pending recipient gets one row.
 *
 * - Lock order: after the mailing's row (`fenceLoading` or `finishList`) and its recipients, in the transaction that wrote the last of these
 *   recipients; so a complete list always has its batches.
 * - Index: a range of the primary key of both recipient tables, the rows of one chunk.
 * - The database counts the recipients, because only the database knows which ones were dropped as duplicates. A batch without recipients gets no
 *   row, because no run could complete it.
 * - Rejected: `INSERT … SELECT`, one statement less. MySQL and MariaDB lock the range that it reads with the gap behind it. The newest mailing is the
 *   last one in the index, so every other list would wait until this transaction, which may be the host's, ends. And cutting the complete list in one
 *   go: that would be a million rows in one transaction.
 */
export async function partitionBatches(
  session: Session,
  mailingId: string,
  { batchSize, fromIdx, toIdx }: ListCut,
): Promise<void> {
  if (toIdx <= fromIdx) return;
  const { mailBatch, emailAddress, userMailing } = session.tables;
  const range = [mailingId, fromIdx, toIdx];
  const starts = (table: string): string =>
    `SELECT idx - ${session.dialect.modulo('idx', String(batchSize))} AS start_idx FROM ${table}
     WHERE mailing_id = ? AND idx >= ? AND idx < ? AND status = 'pending'`;
  const batches = await session.rows<{ start_idx: unknown; size: unknown }>(
    `SELECT start_idx, COUNT(*) AS size
     FROM (${starts(emailAddress)} UNION ALL ${starts(userMailing)}) AS listed GROUP BY start_idx ORDER BY start_idx`,
    [...range, ...range],
  );
  const row = `(?, ?, ?, 'free', ${session.dialect.now}, ?, ${placeholders(WATERMARKS)})`;
  const insert = (some: typeof batches): Promise<number> =>
    session.change(
      `INSERT INTO ${mailBatch}
         (mailing_id, start_idx, end_idx, status, not_before, num_profiles, ${WATERMARKS.join(', ')})
       VALUES ${some.map(() => row).join(', ')}`,
      some.flatMap(({ start_idx, size }) => {
        const start = Number(start_idx);
        return [mailingId, start, start + batchSize, Number(size), ...WATERMARKS.map(() => start)];
      }),
    );
  await inChunks(batches, insert, BATCHES_PER_STATEMENT);
}
