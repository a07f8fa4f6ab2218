import type { Socket } from 'node:net';
import type { SessionListener } from './slow-smtp.session.js';

/** A reply on its way. */
interface Reply {
  text: string;
  askedAt: number;
}

const END_OF_DATA = '\r\n.\r\n';
const GREETING = '250-far.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n';

/**
 * One connection of a mail server that is not slow but far away: each reply leaves so long after its command has arrived, so
 * replies to commands that came together come together, as they do over a long way. It takes what a sender without TLS
 * and login sends.
 */
export class FarSmtpSession {
  #recipients: string[] = [];
  /** What has come and is no whole command, or of a body its last bytes. */
  #pending = '';
  #isInBody = false;
  /** In the order of their commands. */
  #replies: Reply[] = [];
  #isWaiting = false;

  constructor(
    private readonly socket: Socket,
    private readonly replyMs: number,
    private readonly listener: SessionListener,
  ) {
    // Bytes are only looked through for line ends and addresses in ASCII.
    socket.setEncoding('latin1').on('data', (text: string) => this.#take(text));
  }

  greet(): void {
    this.socket.write('220 far.example ESMTP\r\n');
  }

  #take(text: string): void {
    const askedAt = performance.now();
    this.#pending += text;
    for (let reply = this.#next(); reply !== null; reply = this.#next()) {
      this.#replies.push({ text: reply, askedAt });
    }
    if (!this.#isWaiting) this.#writeDue();
  }

  /** The reply to the next whole command, or to the end of a body. */
  #next(): string | null {
    const end = this.#pending.indexOf(this.#isInBody ? END_OF_DATA : '\r\n');
    if (end < 0) {
      if (this.#isInBody) this.#pending = this.#pending.slice(-END_OF_DATA.length);
      return null;
    }
    const line = this.#pending.slice(0, end);
    this.#pending = this.#pending.slice(end + (this.#isInBody ? END_OF_DATA.length : 2));
    if (!this.#isInBody) return this.#replyTo(line);
    this.#isInBody = false;
    this.listener.received(this.#recipients);
    this.#recipients = [];
    return '250 2.0.0 Taken\r\n';
  }

  #replyTo(line: string): string {
    switch (line.slice(0, 4).toUpperCase()) {
      case 'EHLO':
        return GREETING;
      case 'MAIL':
      case 'RSET':
        this.#recipients = [];
        return '250 2.1.0 Go on\r\n';
      case 'RCPT':
        this.#recipients.push(line.slice(line.indexOf('<') + 1, line.indexOf('>')));
        return '250 2.1.5 Go on\r\n';
      case 'DATA':
        this.#isInBody = true;
        return '354 Go on\r\n';
      case 'QUIT':
        return '221 2.0.0 Bye\r\n';
      default:
        return '250 2.0.0 If you say so\r\n';
    }
  }

  #writeDue(): void {
    const now = performance.now();
    // Timers may ring a little early, and a reply must not leave before its time.
    const later = this.#replies.findIndex(({ askedAt }) => now - askedAt < this.replyMs);
    const due = later < 0 ? this.#replies.splice(0) : this.#replies.splice(0, later);
    if (due.length > 0) this.socket.write(due.map(({ text }) => text).join(''));
    for (const { askedAt } of due) this.listener.replied(now - askedAt);
    if (due.at(-1)?.text.startsWith('221')) return void this.socket.end();
    this.#isWaiting = this.#replies.length > 0;
    if (!this.#isWaiting) return;
    setTimeout(() => this.#writeDue(), Math.max(1, this.#replies[0].askedAt + this.replyMs - now));
  }
}
