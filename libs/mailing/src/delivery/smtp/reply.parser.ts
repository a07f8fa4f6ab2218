import { isAscii } from '../mime/is-ascii.js';

/** The reply of the mail server to one command. */
export interface Reply {
  status: number;
  /** All its lines with their codes, joined by `\n`. */
  text: string;
}

/** Characters. RFC 5321 section 4.5.3.1.5 allows 512 octets; some servers send more. */
const MAX_LINE = 4_096;
const MAX_LINES = 64;
/** A code, and whether another line follows. The text may be missing. */
const LINE = /^([2-5]\d\d)([ -]|$)/;

/** The mail server sent something that is no SMTP reply, or a reply without an end. The connection is unusable. */
export class ReplyError extends Error {
  readonly code = 'EPROTOCOL';
}

/** Assembles replies from the pieces in which they arrive, in bounded memory. */
export class ReplyParser {
  #rest = '';
  #lines: string[] = [];

  /**
   * Yields each complete reply before it throws for what follows.
   *
   * @throws ReplyError for a line that is no part of a reply, a line of more than 4,096 characters, or a reply of more than 64 lines.
   */
  *read(piece: Buffer): Iterable<Reply> {
    // One character per byte, because a piece may end within a UTF-8 character.
    const text = this.#rest + piece.toString('latin1');
    let from = 0;
    // The rest has no line break, so it is not searched again.
    for (let end = text.indexOf('\n', this.#rest.length); end >= 0; end = text.indexOf('\n', from)) {
      if (end - from > MAX_LINE + 1) break;
      const line = text.slice(from, text[end - 1] === '\r' ? end - 1 : end);
      from = end + 1;
      const reply = this.#take(line);
      if (reply) yield reply;
    }
    this.#rest = text.slice(from);
    // One more than `MAX_LINE`: the `\r` may have arrived without its `\n`.
    if (this.#rest.length > MAX_LINE + 1)
      throw new ReplyError(`The mail server sends a line of more than ${MAX_LINE} characters.`);
  }

  #take(line: string): Reply | null {
    // Some servers send an empty line between replies.
    if (line === '' && this.#lines.length === 0) return null;
    const isTooMuch = line.length > MAX_LINE || this.#lines.length === MAX_LINES;
    const match = isTooMuch ? null : LINE.exec(line);
    if (!match) {
      throw new ReplyError(`The mail server sent what is no reply: ${JSON.stringify(line.slice(0, 100))}`);
    }
    this.#lines.push(line);
    if (match[2] === '-') return null;
    const bytes = this.#lines.join('\n');
    this.#lines = [];
    const text = isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString();
    return { status: Number(match[1]), text };
  }
}
