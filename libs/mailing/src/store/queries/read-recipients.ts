import type { RecipientRecord } from '../../model/mail/recipient.js';
import type { ReasonCount } from '../../model/reports/mailing-overview.js';
import { COUNTER_OF, type RecipientStatus } from '../../model/states/recipient-status.js';
import type { Session } from '../database/mailing.database.js';
import type { SqlPart } from '../database/progress-row.js';
import { NAME_COLUMN_OF, RECIPIENT_TABLES, type RecipientTable } from '../recipients/open-recipient.js';

/** One page of recipients: those after `afterIdx`, in order of sending. */
export interface RecipientPage {
  /** Null: in whatever state. */
  status: RecipientStatus | null;
  afterIdx: number;
  limit: number;
}

/** Invariant: every `pending` row with idx < next_idx is in flight, as most in-flight rows are; see `MailingLedger`. */
const NEXT_IDX = 'COALESCE(b.next_idx, m.next_idx)';
const BY_NUMBER = `r.idx < ${NEXT_IDX}`;
const STATE = `CASE WHEN r.status = 'pending' AND ${BY_NUMBER} THEN 'sending' ELSE r.status END`;

/** Filters by the column, not by the expression `STATE`: PostgreSQL has statistics of the column only. */
function inState(status: RecipientStatus | null): SqlPart {
  const own = { sql: `AND r.status = ?`, parameters: [status] };
  if (status === null) return { sql: '', parameters: [] };
  if (status === 'pending') return { ...own, sql: `${own.sql} AND r.idx >= ${NEXT_IDX}` };
  if (status !== 'sending') return own;
  return { ...own, sql: `AND (r.status = ? OR (r.status = 'pending' AND ${BY_NUMBER}))` };
}

/**
 * One page of the recipients of a mailing, in order of sending, from both tables.
 *
 * - Index: the primary key of each table, from `afterIdx` on; the state is a filter on the rows that are read.
 */
export async function readRecipients(
  session: Session,
  mailingId: string,
  { status, afterIdx, limit }: RecipientPage,
): Promise<RecipientRecord[]> {
  const { dialect } = session;
  const only = inState(status);
  const from = (source: RecipientTable): Promise<Record<string, unknown>[]> =>
    session.rows(
      `SELECT r.idx, ${STATE} AS state, r.attempts, r.error_code, r.error_text, r.${NAME_COLUMN_OF[source]},
         ${dialect.epochMs('r.changed_at')} AS changed_ms, ${dialect.epochMs('r.next_attempt_at')} AS next_attempt_ms
       FROM ${withProgress(session, source)} WHERE r.mailing_id = ? AND r.idx > ? ${only.sql}
       ORDER BY r.idx LIMIT ${limit}`,
      [mailingId, afterIdx, ...only.parameters],
    );
  const addresses = await from('emailAddress');
  const profiles = await from('userMailing');
  return [...addresses, ...profiles]
    .map(toRecord)
    .sort((a, b) => a.idx - b.idx)
    .slice(0, limit);
}

/**
 * Recipients by state and reason, the most frequent first.
 *
 * - Index: the range of the mailing in the primary key of each table, so the cost is that of its list, whatever else is in the tables.
 * - Rejected: an index on status and code, which every outcome would have to update; a `UNION` of both tables, whose states are two types on
 *   PostgreSQL.
 */
export async function readReasons(session: Session, mailingId: string): Promise<ReasonCount[]> {
  const counts = new Map<string, ReasonCount>();
  for (const source of RECIPIENT_TABLES) {
    const rows = await session.rows<{
      state: RecipientStatus;
      error_code: string | null;
      number: unknown;
    }>(
      `SELECT ${STATE} AS state, error_code, COUNT(*) AS number FROM ${withProgress(session, source)}
       WHERE r.mailing_id = ? GROUP BY state, error_code`,
      [mailingId],
    );
    for (const { state: status, error_code: code, number } of rows) {
      const key = JSON.stringify([status, code]);
      counts.set(key, { status, code, count: Number(number) + (counts.get(key)?.count ?? 0) });
    }
  }
  const found = [...counts].sort(([a, { count: m }], [b, { count: n }]) => n - m || (a < b ? -1 : 1));
  return found.map(([, one]) => one);
}

/** A recipient table as `r`, each row with its progress row: the row of the mailing, and that of its batch by the primary key. */
function withProgress({ dialect, tables }: Session, source: RecipientTable): string {
  const { mailing, mailBatch } = tables;
  const offset = dialect.modulo('r.idx', 'm.batch_size');
  return `${tables[source]} r JOIN ${mailing} m ON m.id = r.mailing_id
    LEFT JOIN ${mailBatch} b ON b.mailing_id = r.mailing_id AND b.start_idx = r.idx - ${offset}`;
}

function toRecord(row: Record<string, unknown>): RecipientRecord {
  const status = row.state as RecipientStatus;
  const moment = (ms: unknown): Date | null => (ms === null ? null : new Date(Number(ms)));
  return {
    idx: Number(row.idx),
    email: (row.email_address as string | undefined) ?? null,
    userId: (row.user_id as string | undefined) ?? null,
    status,
    attempts: Number(row.attempts),
    nextAttemptAt: moment(row.next_attempt_ms),
    settledAt: status in COUNTER_OF ? moment(row.changed_ms) : null,
    errorCode: row.error_code as string | null,
    errorText: row.error_text as string | null,
  };
}
