import type { MailingResult } from '../../model/reports/mailing-handle.js';
import type { MailingStatus } from '../../model/states/mailing-status.js';
import type { Session } from '../database/mailing.database.js';
import { COUNTERS } from '../database/progress-row.js';

/** A mailing found by its idempotency key. */
export interface KnownMailing extends MailingResult {
  mailingId: string;
  uniqServerId: string;
  claimToken: string | null;
}

/** @returns null if there is no such mailing; index: primary key. */
export async function readResult(session: Session, mailingId: string): Promise<MailingResult | null> {
  const [row] = await session.rows<Record<string, unknown>>(
    `SELECT ${resultColumns(session)} FROM ${session.tables.mailing} WHERE id = ?`,
    [mailingId],
  );
  return row ? toResult(mailingId, row) : null;
}

/** @returns null if there is no mailing with this key; index: the unique one of the key. */
export async function findByKey(session: Session, idempotencyKey: string): Promise<KnownMailing | null> {
  const [row] = await session.rows<Record<string, unknown>>(
    `SELECT id, uniq_server_id, claim_token, ${resultColumns(session)}
     FROM ${session.tables.mailing} WHERE idempotency_key = ? ${session.currentRows}`,
    [idempotencyKey],
  );
  if (!row) return null;
  return {
    ...toResult(String(row.id), row),
    mailingId: String(row.id),
    uniqServerId: String(row.uniq_server_id),
    claimToken: row.claim_token as string | null,
  };
}

/**
 * Columns of a result. Counters include those of batches that are not merged yet. All are read in one statement: between two statements a batch could
 * be merged, and would count twice or not at all.
 */
export function resultColumns({ tables: { mailing, mailBatch } }: Session): string {
  const total = (column: string): string =>
    `${column} + COALESCE((SELECT SUM(b.${column}) FROM ${mailBatch} b
       WHERE b.mailing_id = ${mailing}.id AND b.is_summarized = FALSE), 0) AS ${column}`;
  return `status, status_reason, num_profiles, ${COUNTERS.map(total).join(', ')}`;
}

export function toResult(mailingId: string, row: Record<string, unknown>): MailingResult {
  return {
    mailingId,
    status: row.status as MailingStatus,
    statusReason: row.status_reason as string | null,
    numProfiles: Number(row.num_profiles),
    numSent: Number(row.num_sent),
    numErrors: Number(row.num_errors),
    numSkipped: Number(row.num_skipped),
  };
}
