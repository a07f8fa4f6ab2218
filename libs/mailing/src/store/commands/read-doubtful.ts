import type { Slice } from '../../model/states/slice.js';
import type { Session } from '../database/mailing.database.js';
import { placeholders } from '../database/placeholders.js';
import { belongsTo } from '../database/progress-row.js';
import { NAME_COLUMN_OF, RECIPIENT_TABLES, type RecipientTable } from '../recipients/open-recipient.js';

/** A recipient in doubt, as read from its row. */
export interface DoubtfulRow {
  idx: number;
  source: RecipientTable;
  email: string | null;
  userId: string | null;
}

/** Where recipients in doubt are looked for: a range of the list, and these retries, at any idx. */
export interface DoubtfulFrame {
  fromIdx: number;
  toIdx: number;
  retries: number[];
}

/**
 * Recipients in doubt. At recovery these are the recipients that were in flight, and few others.
 *
 * - Index: primary key of each recipient table, a range of it and single idx.
 */
export async function readDoubtful(
  session: Session,
  slice: Slice,
  { fromIdx, toIdx, retries }: DoubtfulFrame,
): Promise<DoubtfulRow[]> {
  const own = belongsTo(slice);
  const orAmong = retries.length > 0 ? `OR idx IN (${placeholders(retries)})` : '';
  const found: DoubtfulRow[] = [];
  for (const source of RECIPIENT_TABLES) {
    const rows = await session.rows<{ idx: number; name: string }>(
      `SELECT idx, ${NAME_COLUMN_OF[source]} AS name FROM ${session.tables[source]}
       WHERE ${own.sql} AND ((idx >= ? AND idx < ?) ${orAmong}) AND status = 'in_doubt' ORDER BY idx`,
      [...own.parameters, fromIdx, toIdx, ...retries],
    );
    for (const { idx, name } of rows) {
      const names = source === 'emailAddress' ? { email: name, userId: null } : { email: null, userId: name };
      found.push({ idx: Number(idx), source, ...names });
    }
  }
  return found;
}
