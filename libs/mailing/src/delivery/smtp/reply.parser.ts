import { isAscii } from '../mime/is-ascii.js';

/** What the mail server says to one command. */
export interface Reply {
  status: number;
  /** All its lines, code included, one below the other. */
  text: string;
}

/** RFC 5321 section 4.5.3.1.5 grants 512; servers with a lot to say take more. */
const MAX_LINE = 4_096;
const MAX_LINES = 64;
/** A code, and whether another line follows. The text may be missing. */
const LINE = /^([2-5]\d\d)([ -]|$)/;

/** The mail server speaks something else, or without an end. The connection is of no use any more. */
export class ReplyError extends Error {
  readonly code = 'EPROTOCOL';
}

/** Puts replies together from whatever pieces they arrive in, in bounded memory. */
export class ReplyParser {
  #rest = '';
  #lines: string[] = [];

  /**
   * What is whole is given before anything is found wrong behind it.
   *
   * @throws ReplyError on a line that is none of a reply, or one of them that is too long.
   */
  *read(piece: Buffer): Iterable<Reply> {
    // One character a byte, because a piece may end inside of a letter.
    const text = this.#rest + piece.toString('latin1');
    let from = 0;
    // What was left is a line without an end, and is not looked through again.
    for (let end = text.indexOf('\n', this.#rest.length); end >= 0; end = text.indexOf('\n', from)) {
      if (end - from > MAX_LINE + 1) break;
      const line = text.slice(from, text[end - 1] === '\r' ? end - 1 : end);
      from = end + 1;
      const reply = this.#take(line);
      if (reply) yield reply;
    }
    this.#rest = text.slice(from);
    // Its line break may be on its way.
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
