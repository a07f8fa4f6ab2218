import type { Slice } from '../../model/states/slice.js';
import { COLUMNS_OF, type Found, type FoundRow, toFound } from './found-recipient.js';
import type { Session } from '../database/mailing.database.js';
import type { SourceName } from './open-recipient.js';
import { belongsTo } from '../database/progress-row.js';

/**
 * Reads the next recipients of one table from a place on, in order of sending.
 *
 * - Index: primary key, as a range from `fromIdx` on in its own order; `status` is a filter on the rows passed by:
 *   none, but after a hand-back or a recovery. `LIMIT` ends the range; no sort. MySQL is told so: of a short list it takes another
 *   index and sorts the rows, and one with 256 KiB of data does not fit its sort buffer (error 1038, at every look).
 * - `fromIdx` is never less than `next_idx`: before that `pending` means under way.
 * - An empty answer means the end of the list and nothing else. Rows are never left out by what they contain.
 * - Rejected: an index on status, which every outcome would have to move in.
 */
export async function readNext(
  session: Session,
  source: SourceName,
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
