import type { MarkedRecipient } from '../../model/recipient.js';
import type { Slice } from '../../model/slice.js';
import type { Session } from '../mailing.database.js';
import { parseJson } from '../parse-json.js';
import { belongsTo, booksOf } from '../slice-books.js';

/** The next recipients of one table from an index on, in order of sending. */
export type ReadNext = (
  session: Session,
  slice: Slice,
  fromIdx: number,
  limit: number,
) => Promise<MarkedRecipient[]>;

/**
 * Reads the next plain addresses.
 *
 * - Index: primary key, as a range from `fromIdx` on in its own order; `status` is a filter on the rows passed by, which
 *   are few: everything before `fromIdx` is settled. `LIMIT` ends the range; no sort.
 * - An empty answer means the end of the list and nothing else. Rows are never left out by what they contain.
 * - Rejected: an index on status, which every outcome would have to move in.
 */
export const readNextAddresses: ReadNext = async (session, slice, fromIdx, limit) => {
  const own = belongsTo(slice);
  const rows = await session.rows<AddressRow>(
    `SELECT idx, attempts, email_address, display_name, data FROM ${session.tables.emailAddress}
     WHERE ${own.sql} AND idx >= ? AND status = 'pending' ORDER BY idx LIMIT ${limit}`,
    [...own.parameters, fromIdx],
  );
  return rows.map(toMarkedAddress);
};

/** What is read of a plain address. */
export interface AddressRow {
  idx: number;
  attempts: number;
  email_address: string;
  display_name: string | null;
  data: unknown;
}

export function toMarkedAddress(row: AddressRow): MarkedRecipient {
  return {
    idx: Number(row.idx),
    attempts: Number(row.attempts),
    email: row.email_address,
    name: row.display_name ?? undefined,
    data: parseJson<Record<string, unknown>>(row.data) ?? undefined,
  };
}

/** Reads the next profiles; plan and reasons as for addresses. */
export const readNextProfiles: ReadNext = async (session, slice, fromIdx, limit) => {
  const own = belongsTo(slice);
  const rows = await session.rows<{ idx: number; attempts: number; user_id: string }>(
    `SELECT idx, attempts, user_id FROM ${session.tables.userMailing}
     WHERE ${own.sql} AND idx >= ? AND status = 'pending' ORDER BY idx LIMIT ${limit}`,
    [...own.parameters, fromIdx],
  );
  return rows.map((row) => ({ idx: Number(row.idx), attempts: Number(row.attempts), userId: row.user_id }));
};

/**
 * Commits the intent: from here on a crash leaves these recipients in doubt, and no others.
 *
 * - Lock order: after the row with the books (`fenceBeat`); a range of the primary key.
 * - The range is safe although other rows lie in it: only `pending` ones change, and nobody but the claim holder, who
 *   has the row with the books locked, makes rows `pending` or takes them out of it.
 * - Rejected: naming each index, 1,000 parameters for what two bounds say.
 *
 * @returns how many rows were marked.
 */
export function markSending(
  session: Session,
  table: string,
  mailingId: string,
  firstIdx: number,
  lastIdx: number,
): Promise<number> {
  return session.change(
    `UPDATE ${table} SET status = 'sending', changed_at = ${session.dialect.now}
     WHERE mailing_id = ? AND idx BETWEEN ? AND ? AND status = 'pending'`,
    [mailingId, firstIdx, lastIdx],
  );
}

/** Moves the upper end that recovery looks up to, where `fenceBeat`, which has the row locked, has set it too low. */
export function raiseNextIdx(session: Session, slice: Slice, nextIdx: number): Promise<number> {
  const books = booksOf(session, slice);
  return session.change(`UPDATE ${books.table} SET next_idx = ? WHERE ${books.sql} AND next_idx < ?`, [
    nextIdx,
    ...books.parameters,
    nextIdx,
  ]);
}
