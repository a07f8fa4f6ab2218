import { InvalidFieldError, UnknownFieldError } from '../../model/errors/request.errors.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';
import { isPlainObject } from '../../model/values/value-kind.js';

/** The fields of an info, and what kind of value each takes. */
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
  siteId: 'other',
  locale: 'other',
  batchExecId: 'other',
};
const NAMES = Object.keys(FIELDS);

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
    // Each field's own, as its length is (`request.bounds`).
    case 'other':
  }
}
