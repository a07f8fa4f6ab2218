import type { Slice } from '../../model/states/slice.js';
import { COLUMNS_OF, type Found, type FoundRow, toFound } from './found-recipient.js';
import type { Session } from '../database/mailing.database.js';
import type { RecipientTable } from './open-recipient.js';
import { belongsTo } from '../database/progress-row.js';

/**
 * Reads the next recipients of one table from an idx on, in order of sending.
 *
 * - Index: primary key, a range from `fromIdx` on in its own order. `status` filters the rows of the range; it skips none, except after a hand-back
 *   or a recovery. `LIMIT` ends the range; no sort. MySQL needs the hint: for a short list it takes another index and sorts the rows, and a row with
 *   256 KiB of data does not fit its sort buffer (error 1038, at every read).
 * - `fromIdx` is never less than `next_idx`: before it, `pending` means in flight.
 * - An empty answer means the end of the list and nothing else. No row is left out because of what it contains.
 * - Rejected: an index on status. Every outcome would have to move its entry.
 */
export async function readNext(
  session: Session,
  source: RecipientTable,
  slice: Slice,
  fromIdx: number,
  limit: number,
): Promise<Found[]> {
  const own = belongsTo(slice);
  const rows = await session.rows<FoundRow>(
    `SELECT /*+ INDEX(r PRIMARY) */ ${COLUMNS_OF[source]} FROM ${session.tables[source]} r
     WHERE ${own.sql} AND idx >= ? AND status = 'pending' ORDER BY idx LIMIT ${limit}`,
    [...own.parameters, fromIdx],
  );
  return rows.map((row) => toFound(source, row));
}
