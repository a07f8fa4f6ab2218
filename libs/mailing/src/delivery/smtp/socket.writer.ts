import type { Socket } from 'node:net';

/**
 * Collects what a session sends, and writes it in one go after all replies received so far are handled (`setImmediate`).
 *
 * By then the next message is mostly queued, because a reply has made room for it. So its envelope leaves in one write with the body before it.
 * Apart they would cost two writes here, and two reads and two writes at the mail server.
 */
export class SocketWriter {
  #pieces: (string | Buffer)[] = [];
  #mayLeave = (): boolean => true;

  constructor(private readonly socket: Socket) {}

  /** A string has one character per byte. What is still queued when the socket is destroyed is never sent. */
  write(...pieces: (string | Buffer)[]): void {
    if (this.#pieces.length === 0) setImmediate(() => this.#write());
    this.#pieces.push(...pieces);
  }

  /** Sets a check that runs once, right before the next write. If it returns false, nothing that was queued until then is sent. */
  checkBeforeWrite(mayLeave: () => boolean): void {
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
