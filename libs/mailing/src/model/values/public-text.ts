import { kindOf } from './value-kind.js';
import { cutText, toOneLine } from './bounded-text.js';

/** Characters of a text that are read. */
const MAX_READ = 4_096;
/** Characters of the result. */
const MAX_PUBLIC_TEXT = 1_000;

/** Marks of direction and characters without width, which can make a line read as another one. */
const INVISIBLE = /\p{Cf}/gu;

/**
 * Everything around an `@`, also in a URL, and a quoted local part; but no account of MySQL (`'mailing'@'10.0.0.5'`), which an operator
 * needs to see. The bounds keep the search linear.
 */
const ADDRESS = /(?:"[^"\n]{1,256}"|[^\s@<>"]{0,255}[^\s@<>"'])(?:@|%40)[^\s@<>"]{1,255}/gi;

/**
 * Makes a foreign text (of a mail server, a database, a function of the host) fit to leave the plugin in an event, a log line, a report or
 * the message of an error: one line without control characters, of at most 1,000 characters, and without addresses, which such texts often
 * quote. For the plugin and its parts.
 *
 * @example
 * ```ts
 * const line = toPublicText('550 5.1.1 <ann@home.example>\r\nno such user'); // '550 5.1.1 <(an address)> no such user'
 * ```
 */
export function toPublicText(text: string): string {
  const read = toOneLine(cutText(text, MAX_READ).toWellFormed().replace(INVISIBLE, ''));
  return cutText(read.replace(ADDRESS, '(an address)'), MAX_PUBLIC_TEXT);
}

/**
 * The message of a thrown value, fit to leave the plugin (`toPublicText`). For the plugin and its parts.
 *
 * @example
 * ```ts
 * const words = publicReasonOf(new Error('no mailbox for ann@home.example')); // 'no mailbox for (an address)'
 * ```
 */
export function publicReasonOf(error: unknown): string {
  return toPublicText(reasonOf(error));
}

/**
 * The message of a thrown value. Always a text, even if the message of an error is not one, or if the value can't be turned into one. For
 * the plugin and its parts.
 *
 * @example
 * ```ts
 * const words = reasonOf(new Error('the directory is closed')); // 'the directory is closed'
 * ```
 */
export function reasonOf(error: unknown): string {
  try {
    if (!(error instanceof Error)) return String(error);
    const message: unknown = error.message;
    return typeof message === 'string' ? message : kindOf(message);
  } catch {
    return kindOf(error);
  }
}
