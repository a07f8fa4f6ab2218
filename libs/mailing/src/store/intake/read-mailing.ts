import type { Session } from '../database/mailing.database.js';
import { INFO_COLUMNS } from './mailing-columns.js';

/** What is stored about a mailing; index: primary key. @returns undefined if there is no such mailing. */
export async function readMailingRow(
  session: Session,
  mailingId: string,
): Promise<Record<string, unknown> | undefined> {
  const [row] = await session.rows<Record<string, unknown>>(
    `SELECT ${Object.keys(INFO_COLUMNS).join(', ')}, template_hashes, num_profiles FROM ${session.tables.mailing} WHERE id = ?`,
    [mailingId],
  );
  return row;
}

/**
 * Index: primary key, all rows of the mailing.
 *
 * @returns undefined if there are no rows: the table does not distinguish an empty record from none.
 */
export async function readTrackingData(
  session: Session,
  mailingId: string,
): Promise<Record<string, string> | undefined> {
  const rows = await session.rows<{ map_key: string; map_value: string }>(
    `SELECT map_key, map_value FROM ${session.tables.mailTrackdata} WHERE mailing_id = ?
     ORDER BY idx, map_key`,
    [mailingId],
  );
  if (rows.length === 0) return undefined;
  return Object.fromEntries(rows.map((row) => [row.map_key, row.map_value]));
}
