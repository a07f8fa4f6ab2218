import { isUtf8 } from 'node:buffer';
import { TemplateEncodingError } from '../../model/errors/request.errors.js';

const UTF8 = new TextDecoder('utf-8', { fatal: true });
const LINE_FEED = 0x0a;

/** The byte order marks of UTF-16. That of little-endian UTF-32 begins with the first. */
const UTF16_MARKS = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];

/**
 * The text of a template file without a byte order mark.
 *
 * Another encoding is refused and never guessed: most bytes are valid text in every legacy encoding, and a wrong guess would be mailed.
 *
 * @throws TemplateEncodingError unless it is UTF-8 without NUL characters; UTF-16 text without a mark contains these.
 */
export function decodeTemplate(templateUrl: string, bytes: Buffer): string {
  if (UTF16_MARKS.some((mark) => bytes.subarray(0, mark.length).equals(mark)))
    throw new TemplateEncodingError(templateUrl, 1, 'UTF-16');
  const nul = bytes.indexOf(0);
  if (nul >= 0) throw new TemplateEncodingError(templateUrl, lineAt(bytes, nul), 'a NUL byte');
  try {
    return UTF8.decode(bytes);
  } catch (error) {
    throw new TemplateEncodingError(templateUrl, firstWrongLine(bytes), 'bytes that are not UTF-8', error);
  }
}

/** Reads each byte twice at most. No UTF-8 character contains a line feed byte, so each line is checked separately. */
function firstWrongLine(bytes: Buffer): number {
  let line = 1;
  for (let from = 0; from < bytes.length; line++) {
    const end = bytes.indexOf(LINE_FEED, from);
    const next = end < 0 ? bytes.length : end + 1;
    if (!isUtf8(bytes.subarray(from, next))) return line;
    from = next;
  }
  return line;
}

function lineAt(bytes: Buffer, offset: number): number {
  let line = 1;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0 && at < offset; at = bytes.indexOf(LINE_FEED, at + 1))
    line++;
  return line;
}
