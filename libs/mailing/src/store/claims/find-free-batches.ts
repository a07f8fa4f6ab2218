import type { BatchName } from '../../model/ports/dispatcher.js';
import type { Session } from '../database/mailing.database.js';
import { placeholders } from '../database/placeholders.js';
import { isDue } from './is-due.js';

/** Condition: the batch has no claim, and may be claimed now. */
export const isFree = ({ dialect }: Session): string => `status = 'free' AND not_before <= ${dialect.now}`;

/**
 * Mailings with batches that may be claimed, oldest first.
 *
 * - Index: `(is_batched, status)`; for each mailing, one lookup in `(status, mailing_id, not_before)`. Mailings without a free batch are read and
 *   skipped, however many they are.
 *
 * @param among only these mailings; null: all.
 */
export async function findOpenMailings(
  session: Session,
  limit: number,
  among: string[] | null = null,
): Promise<string[]> {
  const { mailing, mailBatch } = session.tables;
  const isAmong = among ? `AND id IN (${placeholders(among)})` : '';
  const rows = await session.rows<{ id: string }>(
    `SELECT id FROM ${mailing} WHERE is_batched = TRUE AND status IN ('pending', 'in_progress') AND ${isDue(session)} ${isAmong}
       AND EXISTS (SELECT 1 FROM ${mailBatch} WHERE mailing_id = ${mailing}.id AND ${mailBatch}.${isFree(session)})
     ORDER BY id LIMIT ${limit}`,
    among ?? [],
  );
  return rows.map((row) => row.id);
}

/**
 * Free batches of one mailing, longest waiting first.
 *
 * - Index: `(status, mailing_id, not_before)`, read in its own order up to the limit. MySQL needs the hint: it prefers the primary key, and would
 *   read and sort all batches of the mailing each time. The other databases read the hint as a comment.
 * - `ORDER BY` ends with `not_before`. InnoDB's index continues with `start_idx` anyway; PostgreSQL's does not, and would sort all batches that
 *   became free at the same moment: those of one chunk of the list, or of one retry.
 */
export async function findFreeBatches(
  session: Session,
  mailingId: string,
  limit: number,
): Promise<BatchName[]> {
  const rows = await session.rows<{ start_idx: number }>(
    `SELECT /*+ INDEX(b idx_dps_mail_batch_status) */ start_idx FROM ${session.tables.mailBatch} b
     WHERE mailing_id = ? AND ${isFree(session)}
     ORDER BY not_before LIMIT ${limit}`,
    [mailingId],
  );
  return rows.map((row) => ({ mailingId, startIdx: Number(row.start_idx) }));
}
