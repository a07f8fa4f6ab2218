import { v7 as uuidv7 } from 'uuid';
import type { MailingResult } from '../model/mailing-handle.js';
import type { MailingStatus } from '../model/mailing-status.js';
import type { TemplateEmailAttachment, TemplateEmailInfo } from '../model/template-email-info.js';
import type { MailingDatabase } from './mailing.database.js';
import { parseJson } from './parse-json.js';
import { type NumberedRecipient, insertRecipients } from './statements/insert-recipients.js';
import { failList, fenceLoading, finishList } from './statements/write-list.js';

/** A mailing as it was written down: everything a run needs, after any restart. */
export interface StoredMailing {
  mailingId: string;
  info: TemplateEmailInfo;
}

/** Columns of `dps_mailing` that hold the info, and how each is written. */
const INFO_COLUMNS: Record<string, (info: TemplateEmailInfo) => unknown> = {
  name: (info) => info.name ?? null,
  subject: (info) => info.subject,
  from_address: (info) => info.from,
  reply_to: (info) => info.replyTo ?? null,
  cc: (info) => info.cc ?? null,
  bcc: (info) => info.bcc ?? null,
  template_url: (info) => info.templateUrl,
  alt_template_url: (info) => info.altTemplateUrl ?? null,
  send_as_html: (info) => (info.sendAsHtml === false ? 0 : 1),
  send_as_text: (info) => (info.sendAsText === false ? 0 : 1),
  params: (info) => json(info.params),
  headers: (info) => json(info.headers),
  attachments: (info) => json(info.attachments),
  site_id: (info) => info.siteId ?? null,
  locale: (info) => info.locale ?? null,
  batch_exec_id: (info) => info.batchExecId ?? null,
};

/**
 * Writes mailings and their recipients to the host's database and reads them back.
 *
 * Writing a list takes one transaction a chunk, so a list of a million never holds a lock or a log of a million rows.
 * A crash in between leaves a mailing in state `loading`, which nobody sends: only `finishList` makes it `pending`.
 */
export class TemplateEmailPersister {
  constructor(private readonly database: MailingDatabase) {}

  /**
   * Writes down the mailing in state `loading`.
   *
   * @returns its id, a UUID version 7.
   */
  async createMailing(info: TemplateEmailInfo, uniqServerId: string, claimToken: string): Promise<string> {
    const mailingId = uuidv7();
    const columns = Object.keys(INFO_COLUMNS);
    const { now } = this.database.dialect;
    await this.database.transaction(async (session) => {
      await session.change(
        `INSERT INTO ${session.tables.mailing} (id, uniq_server_id, claim_token, status, created_at, ${columns.join(', ')})
         VALUES (?, ?, ?, 'loading', ${now}, ${columns.map(() => '?').join(', ')})`,
        [mailingId, uniqServerId, claimToken, ...columns.map((column) => INFO_COLUMNS[column](info))],
      );
      for (const [key, value] of Object.entries(info.trackingData ?? {})) {
        await session.change(
          `INSERT INTO ${session.tables.mailTrackdata} (mailing_id, map_key, map_value) VALUES (?, ?, ?)`,
          [mailingId, key, value],
        );
      }
    });
    return mailingId;
  }

  /**
   * Writes one chunk of the list.
   *
   * @returns how many were new, or null if the list is not ours any more (canceled, or this server was declared dead).
   */
  writeChunk(mailingId: string, claimToken: string, recipients: NumberedRecipient[]): Promise<number | null> {
    const numInvalid = recipients.filter((one) => one.kind === 'invalid').length;
    return this.database.transaction(async (session) => {
      if (!(await fenceLoading(session, mailingId, claimToken, numInvalid))) return null;
      return insertRecipients(session, mailingId, recipients);
    });
  }

  /** Makes the mailing `pending`. @returns false if the list is not ours any more. */
  finishList(mailingId: string, claimToken: string, numProfiles: number): Promise<boolean> {
    return finishList(this.database, mailingId, claimToken, numProfiles);
  }

  async failList(mailingId: string, claimToken: string, reason: string): Promise<void> {
    await failList(this.database, mailingId, claimToken, reason);
  }

  /** How many rows one chunk should have in this database. */
  get rowsPerChunk(): number {
    return this.database.dialect.rowsPerInsert;
  }

  /** @returns null if there is no such mailing. */
  async readMailing(mailingId: string): Promise<StoredMailing | null> {
    const [row] = await this.database.rows<Record<string, unknown>>(
      `SELECT ${Object.keys(INFO_COLUMNS).join(', ')} FROM ${this.database.tables.mailing} WHERE id = ?`,
      [mailingId],
    );
    return row ? { mailingId, info: toInfo(row) } : null;
  }

  /** @returns null if there is no such mailing. */
  async readResult(mailingId: string): Promise<MailingResult | null> {
    const [row] = await this.database.rows<Record<string, unknown>>(
      `SELECT status, status_reason, num_profiles, num_sent, num_errors, num_skipped
       FROM ${this.database.tables.mailing} WHERE id = ?`,
      [mailingId],
    );
    if (!row) return null;
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

  /** Parks a mailing that nobody works on, because it can't be sent as things are. @returns false if it was not pending. */
  async pausePending(mailingId: string, reason: string): Promise<boolean> {
    const changed = await this.database.change(
      `UPDATE ${this.database.tables.mailing} SET status = 'paused', status_reason = ?, beat = beat + 1
       WHERE id = ? AND status = 'pending'`,
      [reason, mailingId],
    );
    return changed === 1;
  }
}

function json(value: unknown): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value);
}

function toInfo(row: Record<string, unknown>): TemplateEmailInfo {
  const text = (value: unknown): string | undefined => (value as string | null) ?? undefined;
  return {
    name: text(row.name),
    subject: String(row.subject),
    from: String(row.from_address),
    replyTo: text(row.reply_to),
    cc: text(row.cc),
    bcc: text(row.bcc),
    templateUrl: String(row.template_url),
    altTemplateUrl: text(row.alt_template_url),
    sendAsHtml: Boolean(Number(row.send_as_html)),
    sendAsText: Boolean(Number(row.send_as_text)),
    params: parseJson<Record<string, unknown>>(row.params) ?? undefined,
    headers: parseJson<Record<string, string>>(row.headers) ?? undefined,
    attachments: parseJson<TemplateEmailAttachment[]>(row.attachments) ?? undefined,
    siteId: text(row.site_id),
    locale: text(row.locale),
    batchExecId: text(row.batch_exec_id),
  };
}
