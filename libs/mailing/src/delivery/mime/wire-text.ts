import { isAscii } from './is-ascii.js';

/**
 * The bytes of a text in UTF-8 as a string of one character for each byte, to be written as `latin1`.
 *
 * What is in bytes already can be put together like any text and costs one copy when it is written; UTF-8 would be worked
 * out anew for each message.
 */
export function toWire(text: string): string {
  return isAscii(text) ? text : Buffer.from(text).toString('latin1');
}

/** With line breaks as SMTP wants them. */
export function withLineBreaks(text: string): string {
  return text.replace(/\r\n|\r|\n/g, '\r\n');
}

/** Doubles the dots at the start of lines (RFC 5321 section 4.5.2). */
export function dotsDoubled(lines: string): string {
  return lines.includes('.') ? lines.replace(/(^|\n)\./g, '$1..') : lines;
}
