import { InvalidFieldError, UnknownFieldError } from '../model/refusal.errors.js';
import type { TemplateEmailInfo } from '../model/template-email-info.js';
import { isPlainObject } from '../model/value-kind.js';

/** The fields of an info, and what kind of value each takes. */
const FIELDS: Readonly<Record<keyof TemplateEmailInfo, 'text' | 'flag' | 'object' | 'other'>> = {
  name: 'text',
  templateUrl: 'text',
  altTemplateUrl: 'text',
  fillFromTemplate: 'flag',
  subject: 'text',
  from: 'text',
  replyTo: 'text',
  cc: 'text',
  bcc: 'text',
  messageTo: 'text',
  params: 'object',
  headers: 'object',
  attachments: 'other',
  slots: 'other',
  sendAsHtml: 'flag',
  sendAsText: 'flag',
  trackingData: 'object',
  batched: 'flag',
  batchSize: 'other',
  ignoreContactFatigue: 'flag',
  unsubscribe: 'flag',
  siteId: 'text',
  locale: 'text',
  batchExecId: 'text',
};
const NAMES = Object.keys(FIELDS);

/** What MySQL and MariaDB keep in a column of type `text`. */
const MAX_TEXT_BYTES = 65_535;
/** Widths of the columns that are not. */
const MAX_LENGTHS: Partial<Record<string, number>> = { name: 255, siteId: 255, batchExecId: 255 };

/**
 * Checks that an info has the fields of an info, and that each is of its kind.
 *
 * @throws UnknownFieldError, InvalidFieldError naming the first field that is not.
 */
export function checkInfoFields(info: TemplateEmailInfo): void {
  for (const field of Object.keys(info))
    if (!NAMES.includes(field)) throw new UnknownFieldError(field, NAMES);
  for (const field of NAMES) {
    const value: unknown = info[field as keyof TemplateEmailInfo];
    if (value !== undefined) checkKind(field, value);
  }
}

function checkKind(field: string, value: unknown): void {
  switch (FIELDS[field as keyof TemplateEmailInfo]) {
    case 'flag':
      if (typeof value !== 'boolean') throw new InvalidFieldError(field, 'true, false or absent', value);
      return;
    case 'object':
      if (!isPlainObject(value)) throw new InvalidFieldError(field, 'a plain object', value);
      return;
    case 'text':
      // Whether it may be absent, or has to be one line, is each field's own.
      if (typeof value === 'string') checkLength(field, value);
      return;
    case 'other':
  }
}

function checkLength(field: string, text: string): void {
  const maxLength = MAX_LENGTHS[field];
  if (maxLength !== undefined && text.length > maxLength)
    throw new InvalidFieldError(field, `at most ${maxLength} characters`, text);
  if (text.length > MAX_TEXT_BYTES || Buffer.byteLength(text) > MAX_TEXT_BYTES)
    throw new InvalidFieldError(field, `at most ${MAX_TEXT_BYTES.toLocaleString('en')} bytes`, text);
}
