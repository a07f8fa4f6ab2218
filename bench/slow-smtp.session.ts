import type { Socket } from 'node:net';

/** Who is told what happens in a session. */
export interface SessionListener {
  /** The final dot is here. */
  received(recipients: string[]): void;
  /** A reply was written, so long after its command. */
  replied(afterMs: number): void;
}

const END_OF_DATA = '\r\n.\r\n';

/** One connection of the slow mail server: as much SMTP as a sender without TLS, login and extensions speaks. */
export class SlowSmtpSession {
  #recipients: string[] = [];
  /** What has come and is no whole command, or of a body its last bytes. */
  #pending = '';
  #isInBody = false;
  #isAnswering = false;

  constructor(
    private readonly socket: Socket,
    private readonly replyMs: number,
    private readonly listener: SessionListener,
  ) {
    // Bytes are only looked through for line ends and addresses in ASCII.
    socket.setEncoding('latin1').on('data', (text: string) => this.#take(text));
  }

  greet(): void {
    this.socket.write('220 slow.example ESMTP\r\n');
  }

  #take(text: string): void {
    this.#pending += text;
    if (!this.#isAnswering) this.#goOn();
  }

  #goOn(): void {
    if (this.#isInBody) return this.#readBody();
    const end = this.#pending.indexOf('\r\n');
    if (end < 0) return;
    const line = this.#pending.slice(0, end);
    this.#pending = this.#pending.slice(end + 2);
    this.#answer(this.#replyTo(line));
  }

  #readBody(): void {
    const end = this.#pending.indexOf(END_OF_DATA);
    if (end < 0) {
      this.#pending = this.#pending.slice(-END_OF_DATA.length);
      return;
    }
    this.#pending = this.#pending.slice(end + END_OF_DATA.length);
    this.#isInBody = false;
    this.listener.received(this.#recipients);
    this.#recipients = [];
    this.#answer('250 2.0.0 Taken');
  }

  #replyTo(line: string): string {
    switch (line.slice(0, 4).toUpperCase()) {
      case 'EHLO':
      case 'HELO':
        return '250 slow.example';
      case 'MAIL':
      case 'RSET':
        this.#recipients = [];
        return '250 2.1.0 Go on';
      case 'RCPT':
        this.#recipients.push(line.slice(line.indexOf('<') + 1, line.indexOf('>')));
        return '250 2.1.5 Go on';
      case 'DATA':
        this.#isInBody = true;
        return '354 Go on';
      case 'QUIT':
        return '221 2.0.0 Bye';
      default:
        return '250 2.0.0 If you say so';
    }
  }

  #answer(reply: string): void {
    this.#isAnswering = true;
    const askedAt = performance.now();
    const write = (): void => {
      const afterMs = performance.now() - askedAt;
      // Node's timers count in whole milliseconds of a cached clock, so that one may ring a little early.
      if (afterMs < this.replyMs) return void setTimeout(write, 1);
      this.#isAnswering = false;
      this.listener.replied(afterMs);
      this.socket.write(`${reply}\r\n`);
      if (reply.startsWith('221')) return void this.socket.end();
      if (this.#pending !== '') this.#goOn();
    };
    setTimeout(write, this.replyMs);
  }
}
