import type { MarkedRecipient } from '../../model/recipient.js';
import type { Session } from '../mailing.database.js';
import { parseJson } from '../parse-json.js';

/** The next recipients of one table from an index on, in order of sending. */
export type ReadNext = (
  session: Session,
  mailingId: string,
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
export const readNextAddresses: ReadNext = async (session, mailingId, fromIdx, limit) => {
  const rows = await session.rows<AddressRow>(
    `SELECT idx, attempts, email_address, display_name, data FROM ${session.tables.emailAddress}
     WHERE mailing_id = ? AND idx >= ? AND status = 'pending' ORDER BY idx LIMIT ${limit}`,
    [mailingId, fromIdx],
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
export const readNextProfiles: ReadNext = async (session, mailingId, fromIdx, limit) => {
  const rows = await session.rows<{ idx: number; attempts: number; user_id: string }>(
    `SELECT idx, attempts, user_id FROM ${session.tables.userMailing}
     WHERE mailing_id = ? AND idx >= ? AND status = 'pending' ORDER BY idx LIMIT ${limit}`,
    [mailingId, fromIdx],
  );
  return rows.map((row) => ({ idx: Number(row.idx), attempts: Number(row.attempts), userId: row.user_id }));
};

/**
 * Commits the intent: from here on a crash leaves these recipients in doubt, and no others.
 *
 * - Lock order: after the mailing's row (`fenceBeat`); a range of the primary key.
 * - The range is safe although other rows lie in it: only `pending` ones change, and nobody but the claim holder, who
 *   has the mailing's row locked, makes rows `pending` or takes them out of it.
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
    `UPDATE ${table} SET status = 'sending'
     WHERE mailing_id = ? AND idx BETWEEN ? AND ? AND status = 'pending'`,
    [mailingId, firstIdx, lastIdx],
  );
}

/** Moves the upper end that recovery looks up to. The mailing's row is locked by `fenceBeat` already. */
export function raiseNextIdx(session: Session, mailingId: string, nextIdx: number): Promise<number> {
  return session.change(`UPDATE ${session.tables.mailing} SET next_idx = ? WHERE id = ? AND next_idx < ?`, [
    nextIdx,
    mailingId,
    nextIdx,
  ]);
}
