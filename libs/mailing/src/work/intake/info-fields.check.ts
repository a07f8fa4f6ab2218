import { InvalidFieldError, UnknownFieldError } from '../../model/errors/request.errors.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import { isPlainObject } from '../../model/values/value-kind.js';

/** The fields of an info, and the kind of value for each. */
const FIELDS: Readonly<Record<keyof TemplateEmailInfo, 'flag' | 'object' | 'other'>> = {
  name: 'other',
  templateUrl: 'other',
  altTemplateUrl: 'other',
  fillFromTemplate: 'flag',
  subject: 'other',
  from: 'other',
  replyTo: 'other',
  cc: 'other',
  bcc: 'other',
  messageTo: 'other',
  transporterName: 'other',
  envelopeFrom: 'other',
  recipientAttachments: 'other',
  params: 'object',
  headers: 'object',
  attachments: 'other',
  slots: 'other',
  sendAsHtml: 'flag',
  sendAsText: 'flag',
  text: 'object',
  trackingData: 'object',
  batched: 'flag',
  batchSize: 'other',
  ignoreContactFatigue: 'flag',
  unsubscribe: 'flag',
  siteId: 'other',
  locale: 'other',
  batchExecId: 'other',
};
const NAMES = Object.keys(FIELDS);

/**
 * Checks that an info has known fields only, each of its kind.
 *
 * @throws UnknownFieldError, InvalidFieldError naming the first wrong field.
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
    // Other checks cover these fields, for example their lengths (`request.bounds`).
    case 'other':
  }
}
