import { isAscii } from './is-ascii.js';

/**
 * The UTF-8 bytes of a text as a string of one character per byte, to be written as `latin1`.
 *
 * Such strings can be joined like any text and cost one copy when written. UTF-8 would be encoded again for each message.
 */
export function toWire(text: string): string {
  return isAscii(text) ? text : Buffer.from(text).toString('latin1');
}

/** Converts line breaks to CRLF, as SMTP requires. */
export function withLineBreaks(text: string): string {
  return text.replace(/\r\n|\r|\n/g, '\r\n');
}

/** Doubles the dots at the start of lines (RFC 5321 section 4.5.2). */
export function dotsDoubled(lines: string): string {
  return lines.includes('.') ? lines.replace(/(^|\n)\./g, '$1..') : lines;
}
