import type { MailingOverview } from '../../model/reports/mailing-overview.js';
import type { MailingStatus } from '../../model/states/mailing-status.js';
import type { Session } from '../database/mailing.database.js';
import { resultColumns, toResult } from './read-results.js';

/** One page of mailings, newest first. */
export interface MailingPage {
  /** Null: in whatever state. */
  status: MailingStatus | null;
  /** Null: from the newest on. */
  beforeId: string | null;
  limit: number;
}

/**
 * One page of mailings. Ids sort by the time of creation.
 *
 * - Index: for all mailings, and for a frequent state, the primary key backwards; for a rare state, each half of `(is_batched, status)`, which ends
 *   with the id in InnoDB.
 * - Rejected: an index on status alone, which MariaDB would use for the statements of a run, where it locks mailings of other servers.
 * - Rejected: one state by `=` together with `id < ?`; MariaDB then uses only the two columns of that index, and reads past all newer mailings,
 *   450,000 of a million. A list of states, one of which does not exist, is a range, which MariaDB weighs against the primary key.
 */
export async function listMailings(
  session: Session,
  { status, beforeId, limit }: MailingPage,
): Promise<MailingOverview[]> {
  const { dialect, tables } = session;
  const before = beforeId === null ? '1 = 1' : `${tables.mailing}.id < ?`;
  const page = (half: string, parameters: unknown[]): Promise<Record<string, unknown>[]> =>
    session.rows(
      `SELECT id, name, ${dialect.epochMs('created_at')} AS created_ms, ${resultColumns(session)} FROM ${tables.mailing}
       WHERE ${half} AND ${before} ORDER BY id DESC LIMIT ${limit}`,
      beforeId === null ? parameters : [...parameters, beforeId],
    );
  const inState = beforeId === null ? 'status = ?' : `status IN (?, '')`;
  const rows =
    status === null
      ? await page('1 = 1', [])
      : [
          ...(await page(`is_batched = FALSE AND ${inState}`, [status])),
          ...(await page(`is_batched = TRUE AND ${inState}`, [status])),
        ];
  const found = rows.map((row) => ({
    ...toResult(String(row.id), row),
    mailingId: String(row.id),
    name: row.name as string | null,
    createdAt: new Date(Number(row.created_ms)),
  }));
  return found.sort((a, b) => (a.mailingId < b.mailingId ? 1 : -1)).slice(0, limit);
}

/** Number of mailings in each state; index: `(is_batched, status)` alone, without reading the table. */
export async function countByStatus(session: Session): Promise<Map<MailingStatus, number>> {
  const counts = new Map<MailingStatus, number>();
  const rows = await session.rows<{ status: MailingStatus; number: unknown }>(
    `SELECT status, COUNT(*) AS number FROM ${session.tables.mailing} GROUP BY is_batched, status`,
  );
  for (const { status, number } of rows) counts.set(status, (counts.get(status) ?? 0) + Number(number));
  return counts;
}
