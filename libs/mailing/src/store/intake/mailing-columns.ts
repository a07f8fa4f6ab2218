import type { TextOptions } from '../../model/mail/text-options.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import { parseJson } from '../database/parse-json.js';

/** Columns of `dps_mailing` that hold the info, and how each is written. */
export const INFO_COLUMNS: Record<string, (info: TemplateEmailInfo) => unknown> = {
  name: (info) => info.name ?? null,
  subject: (info) => info.subject,
  from_address: (info) => info.from,
  reply_to: (info) => info.replyTo ?? null,
  cc: (info) => info.cc ?? null,
  bcc: (info) => info.bcc ?? null,
  message_to: (info) => info.messageTo ?? null,
  transporter_name: (info) => info.transporterName ?? null,
  envelope_from: (info) => info.envelopeFrom ?? null,
  recipient_attachments: (info) => info.recipientAttachments ?? null,
  template_url: (info) => info.templateUrl,
  alt_template_url: (info) => info.altTemplateUrl ?? null,
  fill_from_templ: (info) => (info.fillFromTemplate === true ? 1 : 0),
  send_as_html: (info) => (info.sendAsHtml === false ? 0 : 1),
  send_as_text: (info) => (info.sendAsText === false ? 0 : 1),
  text_options: (info) => json(info.text),
  unsubscribe: (info) => (info.unsubscribe === false ? 0 : 1),
  params: (info) => json(info.params),
  headers: (info) => json(info.headers),
  // The persister writes what the attachment store has kept.
  attachments: () => null,
  site_id: (info) => info.siteId ?? null,
  locale: (info) => info.locale ?? null,
  batch_exec_id: (info) => info.batchExecId ?? null,
  ignore_fatigue: (info) => (info.ignoreContactFatigue ? 1 : 0),
};

/** Values of the info, by column. */
export function infoColumns(info: TemplateEmailInfo): Record<string, unknown> {
  return Object.fromEntries(Object.entries(INFO_COLUMNS).map(([column, read]) => [column, read(info)]));
}

export function json(value: unknown): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value);
}

/** Parses the JSON columns. Null: the column is empty, or, if `unreadable` names it, a program of the host wrote something else there. */
export function parsedColumns(row: Record<string, unknown>): {
  parsed: Record<string, object | null>;
  unreadable: string | null;
} {
  const parsed: Record<string, object | null> = {};
  let unreadable: string | null = null;
  for (const column of ['params', 'headers', 'attachments', 'template_hashes', 'text_options']) {
    const value = row[column];
    const json = parseJson(value);
    const isList = column === 'attachments';
    const isRight = json !== null && Array.isArray(json) === isList;
    parsed[column] = isRight ? json : null;
    if (isRight || value === null || value === undefined) continue;
    unreadable = `dps_mailing.${column} holds no JSON ${isList ? 'array' : 'object'}`;
  }
  return { parsed, unreadable };
}

/** @param row with its JSON parsed. @returns the info without its attachments, whose bytes are elsewhere. */
export function toInfo(row: Record<string, unknown>): TemplateEmailInfo {
  const text = (value: unknown): string | undefined => (value as string | null) ?? undefined;
  return {
    name: text(row.name),
    subject: String(row.subject),
    from: String(row.from_address),
    replyTo: text(row.reply_to),
    cc: text(row.cc),
    bcc: text(row.bcc),
    messageTo: text(row.message_to),
    transporterName: text(row.transporter_name),
    envelopeFrom: text(row.envelope_from),
    recipientAttachments: text(row.recipient_attachments),
    templateUrl: String(row.template_url),
    altTemplateUrl: text(row.alt_template_url),
    fillFromTemplate: Boolean(Number(row.fill_from_templ)),
    sendAsHtml: Boolean(Number(row.send_as_html)),
    sendAsText: Boolean(Number(row.send_as_text)),
    text: (row.text_options as TextOptions | null) ?? undefined,
    unsubscribe: Boolean(Number(row.unsubscribe)),
    params: (row.params as Record<string, unknown> | null) ?? undefined,
    headers: (row.headers as Record<string, string> | null) ?? undefined,
    siteId: text(row.site_id),
    locale: text(row.locale),
    batchExecId: text(row.batch_exec_id),
    ignoreContactFatigue: Boolean(Number(row.ignore_fatigue)),
  };
}
