import type { MailingResult } from '../model/mailing-handle.js';
import type { MailingStatus } from '../model/mailing-status.js';
import type { RecipientRecord } from '../model/recipient.js';
import type { RecipientStatus } from '../model/recipient-status.js';
import type { MailingDatabase } from './mailing.database.js';

/** A mailing found by its idempotency key. */
export interface KnownMailing extends MailingResult {
  mailingId: string;
  uniqServerId: string;
  claimToken: string | null;
}

/** One page of recipients: those after a place, in order of sending. */
export interface RecipientPage {
  /** Null: in whatever state. */
  status: RecipientStatus | null;
  afterIdx: number;
  limit: number;
}

/** Reads how mailings and their recipients stand; changes nothing. */
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
   * Counters include those of batches that are not merged yet. All in one statement: between two of them a batch could be
   * merged, and would count twice or not at all.
   */
  get #resultColumns(): string {
    const { mailing, mailBatch } = this.database.tables;
    const total = (column: string): string =>
      `${column} + COALESCE((SELECT SUM(b.${column}) FROM ${mailBatch} b
         WHERE b.mailing_id = ${mailing}.id AND b.is_summarized = FALSE), 0) AS ${column}`;
    return `status, status_reason, num_profiles, ${total('num_sent')}, ${total('num_errors')}, ${total('num_skipped')}`;
  }

  /**
   * One page of the recipients of a mailing, in order of sending, from both tables.
   *
   * Index: the primary key of each table, from a place on; the state is a filter on the rows passed by.
   */
  async recipients(
    mailingId: string,
    { status, afterIdx, limit }: RecipientPage,
  ): Promise<RecipientRecord[]> {
    const { dialect, tables } = this.database;
    const from = (column: string, table: string): Promise<Record<string, unknown>[]> =>
      this.database.rows(
        `SELECT idx, status, attempts, error_code, error_text, ${column},
           ${dialect.epochMs('settled_at')} AS settled_ms, ${dialect.epochMs('next_attempt_at')} AS next_attempt_ms
         FROM ${table} WHERE mailing_id = ? AND idx > ? ${status === null ? '' : 'AND status = ?'}
         ORDER BY idx LIMIT ${limit}`,
        [mailingId, afterIdx, ...(status === null ? [] : [status])],
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
  const moment = (ms: unknown): Date | null => (ms === null ? null : new Date(Number(ms)));
  return {
    idx: Number(row.idx),
    email: (row.email_address as string | undefined) ?? null,
    userId: (row.user_id as string | undefined) ?? null,
    status: row.status as RecipientStatus,
    attempts: Number(row.attempts),
    nextAttemptAt: moment(row.next_attempt_ms),
    settledAt: moment(row.settled_ms),
    errorCode: row.error_code as string | null,
    errorText: row.error_text as string | null,
  };
}
