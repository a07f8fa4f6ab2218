import type { BatchName } from '../../model/ports/dispatcher.js';
import type { Session } from '../database/mailing.database.js';
import { placeholders } from '../database/placeholders.js';
import { isDue } from './claim-mailing.js';

/** Condition: nobody works on it, and it may be taken up now. */
export const isFree = ({ dialect }: Session): string => `status = 'free' AND not_before <= ${dialect.now}`;

/**
 * Mailings with batches to take, oldest first.
 *
 * @param among none but these; null: all.
 *
 * - Index: `(is_batched, status)`; for each of them one look at `(status, mailing_id, not_before)`. Those without a free
 *   batch are passed by, however many they are.
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
 * Free batches of one mailing, those that have waited longest first.
 *
 * - Index: `(status, mailing_id, not_before)`, read in its order up to the limit. MySQL has to be told so: it prefers the
 *   primary key, and would read and sort all batches of the mailing at each look. To the other databases the hint is a comment.
 * - The order ends with `not_before`. InnoDB's index goes on by place anyway; PostgreSQL's does not, and would sort all batches that
 *   became free in one moment, those of a chunk of the list or of a retry.
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
