import * as qp from 'nodemailer/lib/qp';
import { isAscii } from './is-ascii.js';
import { dotsDoubled, toWire, withLineBreaks } from './wire-text.js';

/** RFC 5321 section 4.5.3.1.6, without the line break. */
const MAX_LINE = 998;
/** Characters that must not be sent unencoded. */
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** In a short text without these, only the line breaks are converted. */
const NEEDS_CARE = /[^\n\u0020-\u007e]|(?:^|\n)\./;

/** Lines as they are sent: one character per byte. */
export interface WireLines {
  wire: string;
  isAscii: boolean;
}

/**
 * Writes whole lines; only the last one may lack its break. *Invariant: the output for a line does not depend on its neighbours.*
 *
 * @returns null if they can't be written this way.
 */
export type LineWriter = (text: string) => WireLines | null;

/** Unencoded, if no line is too long and no character needs an encoding. */
export function asTheyAre(doublesDots: boolean): LineWriter {
  return (text) => {
    if (text.length <= MAX_LINE && !NEEDS_CARE.test(text))
      return { wire: text.replaceAll('\n', '\r\n'), isAscii: true };
    if (CONTROL.test(text) || !hasShortLines(text)) return null;
    const isPlain = isAscii(text);
    const lines = forDialogue(withLineBreaks(text), doublesDots);
    return { wire: isPlain ? lines : toWire(lines), isAscii: isPlain };
  };
}

/** As quoted-printable (RFC 2045 section 6.7), which every server accepts. */
export function quotedPrintable(doublesDots: boolean): LineWriter {
  return (text) => {
    const encoded = qp.encode(withLineBreaks(text));
    // A last line without a break is wrapped by itself: `wrap` leaves it whole if it is all there is, and may break it after others.
    const last = encoded.lastIndexOf('\n') + 1;
    const wire =
      last === 0 ? qp.wrap(encoded) : qp.wrap(encoded.slice(0, last)) + qp.wrap(encoded.slice(last));
    return { wire: forDialogue(wire, doublesDots), isAscii: true };
  };
}

function forDialogue(lines: string, doublesDots: boolean): string {
  return doublesDots ? dotsDoubled(lines) : lines;
}

function hasShortLines(text: string): boolean {
  for (let from = 0; from < text.length;) {
    const end = text.indexOf('\n', from);
    const to = end < 0 ? text.length : end;
    // A UTF-16 unit takes at most three bytes in UTF-8, so most lines need no counting.
    if ((to - from) * 3 > MAX_LINE && Buffer.byteLength(text.slice(from, to)) > MAX_LINE) return false;
    from = to + 1;
  }
  return true;
}
