import type { Slice } from '../../model/slice.js';
import type { Session } from '../mailing.database.js';
import { parseJson } from '../parse-json.js';
import type { Found } from '../recipient-place.js';
import { belongsTo } from '../slice-books.js';

/** The next recipients of one table from an index on, in order of sending. */
export type ReadNext = (session: Session, slice: Slice, fromIdx: number, limit: number) => Promise<Found[]>;

/**
 * Reads the next plain addresses.
 *
 * - Index: primary key, as a range from `fromIdx` on in its own order; `status` is a filter on the rows passed by:
 *   none, but after a hand-back or a recovery. `LIMIT` ends the range; no sort.
 * - `fromIdx` is never less than `next_idx`: before that `pending` means under way.
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

export function toMarkedAddress(row: AddressRow): Found {
  return {
    source: 'emailAddress',
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
  const rows = await session.rows<ProfileRow>(
    `SELECT idx, attempts, user_id FROM ${session.tables.userMailing}
     WHERE ${own.sql} AND idx >= ? AND status = 'pending' ORDER BY idx LIMIT ${limit}`,
    [...own.parameters, fromIdx],
  );
  return rows.map(toMarkedProfile);
};

/** What is read of a profile. */
export interface ProfileRow {
  idx: number;
  attempts: number;
  user_id: string;
}

export function toMarkedProfile(row: ProfileRow): Found {
  return {
    source: 'userMailing',
    idx: Number(row.idx),
    attempts: Number(row.attempts),
    userId: row.user_id,
  };
}
