import { CsvFileError } from './csv-file.error.js';

const SAVE_AS_UTF8 =
  'Save the file as UTF-8: in Excel as the type "CSV UTF-8", in LibreOffice with the character set "Unicode (UTF-8)".';

/** A text encoding. */
interface Encoding {
  name: string;
  mark: number[];
  /** The number of bytes at the end that may begin an incomplete character. */
  openEnd(bytes: Buffer): number;
  /** Bytes that are not text become other characters, so that `encode` gives other bytes. */
  decode(bytes: Buffer): string;
  encode(text: string): Buffer;
}

const UTF8: Encoding = {
  name: 'UTF-8',
  mark: [0xef, 0xbb, 0xbf],
  openEnd: openEndOfUtf8,
  decode: (bytes) => bytes.toString(),
  encode: (text) => Buffer.from(text),
};
const UTF16_LE: Encoding = {
  name: 'UTF-16',
  mark: [0xff, 0xfe],
  openEnd: (bytes) => openEndOfUtf16(bytes, 1),
  decode: (bytes) => bytes.toString('utf16le').toWellFormed(),
  encode: (text) => Buffer.from(text, 'utf16le'),
};
const UTF16_BE: Encoding = {
  ...UTF16_LE,
  mark: [0xfe, 0xff],
  openEnd: (bytes) => openEndOfUtf16(bytes, 0),
  decode: (bytes) => UTF16_LE.decode(swapped(bytes)),
  encode: (text) => UTF16_LE.encode(text).swap16(),
};
const ENCODINGS = [UTF8, UTF16_LE, UTF16_BE];
const MAX_MARK = 3;

/**
 * The text of a file without its byte order mark, chunk by chunk. With a mark it may be UTF-16; without one it is UTF-8.
 *
 * Older encodings such as windows-1252 are refused and never guessed: in each of them most bytes are valid text, and a wrong guess would be mailed.
 *
 * @throws CsvFileError with the number of the first line that is not text, when it is reached.
 */
export async function* textOfCsv(file: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const lines = new LineCounter();
  let encoding: Encoding | null = null;
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of file) {
    rest = Buffer.concat([rest, piece]);
    if (!encoding) {
      if (rest.length < MAX_MARK) continue;
      encoding = encodingOf(rest);
      rest = withoutMark(rest, encoding);
    }
    const whole = rest.subarray(0, rest.length - encoding.openEnd(rest));
    rest = rest.subarray(whole.length);
    if (whole.length > 0) yield decoded(whole, encoding, lines);
  }
  if (!encoding) {
    encoding = encodingOf(rest);
    rest = withoutMark(rest, encoding);
  }
  if (rest.length > 0) yield decoded(rest, encoding, lines);
}

/** @throws CsvFileError */
function decoded(bytes: Buffer, encoding: Encoding, lines: LineCounter): string {
  const text = encoding.decode(bytes);
  const again = encoding.encode(text);
  if (!again.equals(bytes)) {
    const same = bytes.findIndex((byte, at) => byte !== again[at]);
    lines.count(encoding.decode(bytes.subarray(0, same)));
    throw new CsvFileError(lines.number, `bytes that are not ${encoding.name}. ${SAVE_AS_UTF8}`);
  }
  const nul = text.indexOf('\0');
  lines.count(nul < 0 ? text : text.slice(0, nul));
  if (nul >= 0) throw new CsvFileError(lines.number, `a NUL character. ${SAVE_AS_UTF8}`);
  return text;
}

function encodingOf(bytes: Buffer): Encoding {
  return ENCODINGS.find(({ mark }) => mark.every((byte, at) => bytes[at] === byte)) ?? UTF8;
}

function withoutMark(bytes: Buffer, { mark }: Encoding): Buffer {
  return mark.every((byte, at) => bytes[at] === byte) ? bytes.subarray(mark.length) : bytes;
}

/** The length of an incomplete character at the end; 0 if the last character is complete. */
function openEndOfUtf8(bytes: Buffer): number {
  for (let length = 1; length <= Math.min(3, bytes.length); length++) {
    const byte = bytes[bytes.length - length];
    if ((byte & 0xc0) === 0x80) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needed > length ? length : 0;
  }
  return 0;
}

/** @param high the index of the higher byte in a pair. */
function openEndOfUtf16(bytes: Buffer, high: 0 | 1): number {
  const odd = bytes.length % 2;
  const last = bytes.length - odd - 2;
  const isHighSurrogate = last >= 0 && (bytes[last + high] & 0xfc) === 0xd8;
  return isHighSurrogate ? odd + 2 : odd;
}

function swapped(bytes: Buffer): Buffer {
  // Copies whole pairs only, because `swap16` works in place.
  return Buffer.from(bytes.subarray(0, bytes.length - (bytes.length % 2))).swap16();
}

/** The current line number, for the line breaks of all systems. */
class LineCounter {
  number = 1;
  #endsWithReturn = false;

  count(text: string): void {
    if (text === '') return;
    this.number += text.match(/\r\n?|\n/g)?.length ?? 0;
    // This break was counted with the previous chunk.
    if (this.#endsWithReturn && text.startsWith('\n')) this.number--;
    this.#endsWithReturn = text.endsWith('\r');
  }
}
