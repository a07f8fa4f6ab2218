import type { Socket } from 'node:net';

/**
 * Gathers what a session has to say until everything that has been heard by now is seen to.
 *
 * By then the next message is mostly here, because an answer has made room for it, and its envelope leaves in one write with
 * the body before it. Apart they cost two, and the mail server two reads and two writes.
 */
export class SocketWriter {
  #pieces: (string | Buffer)[] = [];
  #mayLeave = (): boolean => true;

  constructor(private readonly socket: Socket) {}

  /** A text has one character a byte. What is left of it when the socket is destroyed never leaves. */
  write(...pieces: (string | Buffer)[]): void {
    if (this.#pieces.length === 0) setImmediate(() => this.#write());
    this.#pieces.push(...pieces);
  }

  /** Asked once, right before what was said, and what is said until then, leaves; if the answer is no, none of it does. */
  ask(mayLeave: () => boolean): void {
    this.#mayLeave = mayLeave;
  }

  #write(): void {
    const [pieces, mayLeave] = [this.#pieces, this.#mayLeave];
    this.#pieces = [];
    this.#mayLeave = () => true;
    if (this.socket.destroyed || !mayLeave()) return;
    this.socket.cork();
    for (const one of withTextsJoined(pieces)) this.socket.write(one, 'latin1');
    this.socket.uncork();
  }
}

function withTextsJoined(pieces: (string | Buffer)[]): (string | Buffer)[] {
  const joined: (string | Buffer)[] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    if (typeof piece === 'string' && typeof last === 'string') joined[joined.length - 1] = last + piece;
    else joined.push(piece);
  }
  return joined;
}
