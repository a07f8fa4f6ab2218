import type { ExecutionResult } from '../../model/reports/execution-result.js';
import type { MailingResult } from '../../model/reports/mailing-handle.js';
import type { MailingOverview, ReasonCount } from '../../model/reports/mailing-overview.js';
import type { MailingStatus } from '../../model/states/mailing-status.js';
import type { RecipientRecord } from '../../model/mail/recipient.js';
import { COUNTER_OF, type RecipientStatus } from '../../model/states/recipient-status.js';
import type { MailingDatabase } from '../database/mailing.database.js';
import type { SqlPart } from '../database/progress-row.js';

/** A mailing found by its idempotency key. */
export interface KnownMailing extends MailingResult {
  mailingId: string;
  uniqServerId: string;
  claimToken: string | null;
}

/** One page of recipients: those after `afterIdx`, in order of sending. */
export interface RecipientPage {
  /** Null: in whatever state. */
  status: RecipientStatus | null;
  afterIdx: number;
  limit: number;
}

/** One page of mailings, newest first. */
export interface MailingPage {
  /** Null: in whatever state. */
  status: MailingStatus | null;
  /** Null: from the newest on. */
  beforeId: string | null;
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

/** Reads the state of mailings and their recipients; changes nothing. */
export class MailingReader {
  constructor(private readonly database: MailingDatabase) {}

  /** @returns null if there is no such mailing. */
  async result(mailingId: string): Promise<MailingResult | null> {
    const [row] = await this.database.rows<Record<string, unknown>>(
      `SELECT ${this.#resultColumns} FROM ${this.database.tables.mailing} WHERE id = ?`,
      [mailingId],
    );
    return row ? toResult(mailingId, row) : null;
  }

  /**
   * Index: `(batch_exec_id)`, then the batches of each mailing that are not merged yet.
   *
   * @returns null if there is no mailing of this execution.
   */
  async execution(batchExecId: string): Promise<ExecutionResult | null> {
    const rows = await this.database.rows<Record<string, unknown>>(
      `SELECT status, COUNT(*) AS num_mailings, SUM(num_profiles) AS num_profiles, SUM(num_sent) AS num_sent,
         SUM(num_errors) AS num_errors, SUM(num_skipped) AS num_skipped
       FROM (SELECT ${this.#resultColumns} FROM ${this.database.tables.mailing} WHERE batch_exec_id = ?) found
       GROUP BY status`,
      [batchExecId],
    );
    if (rows.length === 0) return null;
    const sum = (column: string): number => rows.reduce((total, row) => total + Number(row[column]), 0);
    return {
      batchExecId,
      numMailings: sum('num_mailings'),
      byStatus: Object.fromEntries(rows.map((row) => [row.status, Number(row.num_mailings)])),
      numProfiles: sum('num_profiles'),
      numSent: sum('num_sent'),
      numErrors: sum('num_errors'),
      numSkipped: sum('num_skipped'),
    };
  }

  /** @returns null if there is no mailing with this key. */
  async findByKey(idempotencyKey: string): Promise<KnownMailing | null> {
    const [row] = await this.database.rows<Record<string, unknown>>(
      `SELECT id, uniq_server_id, claim_token, ${this.#resultColumns}
       FROM ${this.database.tables.mailing} WHERE idempotency_key = ?`,
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
   * Ids sort by the time of creation.
   *
   * Index: for all mailings, and for a frequent state, the primary key backwards; for a rare state, each half of `(is_batched, status)`, which ends
   * with the id in InnoDB. Rejected: an index on status alone, which MariaDB would use for the statements of a run, where it locks mailings of other
   * servers. Rejected: one state by `=` together with `id < ?`; MariaDB then uses only the two columns of that index, and reads past all newer
   * mailings, 450,000 of a million. A list of states, one of which does not exist, is a range, which MariaDB weighs against the primary key.
   */
  async list({ status, beforeId, limit }: MailingPage): Promise<MailingOverview[]> {
    const { dialect, tables } = this.database;
    const before = beforeId === null ? '1 = 1' : `${tables.mailing}.id < ?`;
    const page = (half: string, parameters: unknown[]): Promise<Record<string, unknown>[]> =>
      this.database.rows(
        `SELECT id, name, ${dialect.epochMs('created_at')} AS created_ms, ${this.#resultColumns} FROM ${tables.mailing}
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

  /** Index: `(is_batched, status)` alone, without reading the table. */
  async countsByStatus(): Promise<Map<MailingStatus, number>> {
    const counts = new Map<MailingStatus, number>();
    const rows = await this.database.rows<{ status: MailingStatus; number: unknown }>(
      `SELECT status, COUNT(*) AS number FROM ${this.database.tables.mailing} GROUP BY is_batched, status`,
    );
    for (const { status, number } of rows) counts.set(status, (counts.get(status) ?? 0) + Number(number));
    return counts;
  }

  /**
   * Recipients by state and reason, the most frequent first.
   *
   * Index: the range of the mailing in the primary key of each table, so the cost is that of its list, whatever else is in the tables. Rejected: an
   * index on status and code, which every outcome would have to update; a `UNION` of both tables, whose states are two types on PostgreSQL.
   */
  async reasons(mailingId: string): Promise<ReasonCount[]> {
    const { emailAddress, userMailing } = this.database.tables;
    const counts = new Map<string, ReasonCount>();
    for (const table of [emailAddress, userMailing]) {
      const rows = await this.database.rows<{
        state: RecipientStatus;
        error_code: string | null;
        number: unknown;
      }>(
        `SELECT ${STATE} AS state, error_code, COUNT(*) AS number FROM ${this.#withProgress(table)}
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

  /**
   * Counters include those of batches that are not merged yet. All are read in one statement: between two statements a batch could be merged, and
   * would count twice or not at all.
   */
  get #resultColumns(): string {
    const { mailing, mailBatch } = this.database.tables;
    const total = (column: string): string =>
      `${column} + COALESCE((SELECT SUM(b.${column}) FROM ${mailBatch} b
         WHERE b.mailing_id = ${mailing}.id AND b.is_summarized = FALSE), 0) AS ${column}`;
    return `status, status_reason, num_profiles, ${total('num_sent')}, ${total('num_errors')}, ${total('num_skipped')}`;
  }

  /** A recipient table as `r`, each row with its progress row: the row of the mailing, and that of its batch by the primary key. */
  #withProgress(table: string): string {
    const { dialect, tables } = this.database;
    const { mailing, mailBatch } = tables;
    const place = dialect.modulo('r.idx', 'm.batch_size');
    return `${table} r JOIN ${mailing} m ON m.id = r.mailing_id
      LEFT JOIN ${mailBatch} b ON b.mailing_id = r.mailing_id AND b.start_idx = r.idx - ${place}`;
  }

  /**
   * One page of the recipients of a mailing, in order of sending, from both tables.
   *
   * Index: the primary key of each table, from `afterIdx` on; the state is a filter on the rows that are read.
   */
  async recipients(
    mailingId: string,
    { status, afterIdx, limit }: RecipientPage,
  ): Promise<RecipientRecord[]> {
    const { dialect, tables } = this.database;
    const only = inState(status);
    const from = (column: string, table: string): Promise<Record<string, unknown>[]> =>
      this.database.rows(
        `SELECT r.idx, ${STATE} AS state, r.attempts, r.error_code, r.error_text, r.${column},
           ${dialect.epochMs('r.changed_at')} AS changed_ms, ${dialect.epochMs('r.next_attempt_at')} AS next_attempt_ms
         FROM ${this.#withProgress(table)} WHERE r.mailing_id = ? AND r.idx > ? ${only.sql}
         ORDER BY r.idx LIMIT ${limit}`,
        [mailingId, afterIdx, ...only.parameters],
      );
    const addresses = await from('email_address', tables.emailAddress);
    const profiles = await from('user_id', tables.userMailing);
    return [...addresses, ...profiles]
      .map(toRecord)
      .sort((a, b) => a.idx - b.idx)
      .slice(0, limit);
  }
}

function toResult(mailingId: string, row: Record<string, unknown>): MailingResult {
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
