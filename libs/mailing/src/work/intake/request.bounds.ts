import { MAX_MAILBOX_LIST, MAX_MAILBOX_TEXT } from '../../model/addresses/email-address.js';
import { FieldTooLongError } from '../../model/errors/bound.errors.js';
import {
  isStructuredHeader,
  longestWord,
  MAX_HEADER_NAME,
  MAX_HEADER_VALUE,
  MAX_HEADER_WORD,
  MAX_HEADERS,
} from '../../model/values/header-words.js';
import { HeaderInjectionError, InvalidFieldError } from '../../model/errors/request.errors.js';
import { hasControlCharacters } from '../../model/values/bounded-text.js';
import type { TemplateEmailInfo } from '../../model/mail/template-email-info.js';

const MAX_PATH = 1_000;
/** Width of the columns that are not of type `text`. */
const MAX_COLUMN = 255;

/** Each entry is a statement of its own when the mailing is written. */
const MAX_TRACKING_ENTRIES = 100;

const MAX_CHARACTERS = {
  name: MAX_COLUMN,
  transporterName: MAX_COLUMN,
  recipientAttachments: MAX_COLUMN,
  siteId: MAX_COLUMN,
  batchExecId: MAX_COLUMN,
  templateUrl: MAX_PATH,
  altTemplateUrl: MAX_PATH,
  subject: MAX_HEADER_VALUE,
  from: MAX_MAILBOX_TEXT,
  messageTo: MAX_MAILBOX_TEXT,
  envelopeFrom: MAX_MAILBOX_TEXT,
  replyTo: MAX_MAILBOX_LIST,
  cc: MAX_MAILBOX_LIST,
  bcc: MAX_MAILBOX_LIST,
} as const satisfies Partial<Record<keyof TemplateEmailInfo, number>>;

/**
 * Checks lengths, before any other check reads the texts. Values that are not texts are left to the other checks.
 *
 * @throws FieldTooLongError; InvalidFieldError for too many headers or entries of trackingData, and for a structured header with a word that is too
 * long for a line.
 */
export function checkBounds(info: TemplateEmailInfo): void {
  for (const [field, most] of Object.entries(MAX_CHARACTERS)) {
    checkLength(field, info[field as keyof TemplateEmailInfo], most);
  }
  const headers: unknown = info.headers;
  if (typeof headers === 'object' && headers !== null) checkHeaderBounds(headers);
  const numEntries = Object.keys(info.trackingData ?? {}).length;
  if (numEntries > MAX_TRACKING_ENTRIES)
    throw new InvalidFieldError('trackingData', `at most ${MAX_TRACKING_ENTRIES} entries`, numEntries);
}

/** @throws FieldTooLongError */
export function checkLength(field: string, value: unknown, most: number): void {
  if (typeof value === 'string' && value.length > most)
    throw new FieldTooLongError(field, value.length, most);
}

/** Leaves out what is absent. @throws InvalidFieldError unless it is a text; HeaderInjectionError if it has control characters. */
export function checkOneLine(field: string, value: unknown): void {
  if (value === undefined) return;
  if (typeof value !== 'string') throw new InvalidFieldError(field, 'a text', value);
  if (hasControlCharacters(value)) throw new HeaderInjectionError(field, value);
}

function checkHeaderBounds(headers: object): void {
  const names = Object.keys(headers);
  if (names.length > MAX_HEADERS)
    throw new InvalidFieldError('headers', `at most ${MAX_HEADERS} headers`, names.length);
  for (const name of names) {
    if (name.length > MAX_HEADER_NAME) {
      const shown = `headers[${JSON.stringify(`${name.slice(0, MAX_HEADER_NAME)}…`)}]`;
      throw new InvalidFieldError(shown, `named by at most ${MAX_HEADER_NAME} characters`, name.length);
    }
    const field = `headers[${JSON.stringify(name)}]`;
    const value = (headers as Record<string, unknown>)[name];
    checkLength(field, value, MAX_HEADER_VALUE);
    const word = typeof value === 'string' && isStructuredHeader(name) ? longestWord(value) : 0;
    // A text header is split into encoded words; in a structured header programs would not decode them.
    if (word > MAX_HEADER_WORD) {
      const expected = `made of words of at most ${MAX_HEADER_WORD} characters, because its lines can be broken at spaces alone`;
      throw new InvalidFieldError(field, expected, `a word of ${word}`);
    }
  }
}
