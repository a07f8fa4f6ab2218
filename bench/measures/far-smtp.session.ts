import type { Socket } from 'node:net';
import type { SessionListener } from './slow-smtp.session.js';
import { SmtpDialogue } from './smtp.dialogue.js';

/** A reply on its way. */
interface Reply {
  text: string;
  askedAt: number;
}

const HELLO = '250-far.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n';

/**
 * One connection of a distant mail server: each reply is sent so long after its command has arrived, so replies to commands of
 * one chunk arrive together.
 */
export class FarSmtpSession {
  readonly #dialogue: SmtpDialogue;
  /** Pending replies in the order of their commands. */
  #replies: Reply[] = [];
  #isWaiting = false;

  constructor(
    private readonly socket: Socket,
    private readonly replyMs: number,
    private readonly listener: SessionListener,
  ) {
    this.#dialogue = new SmtpDialogue(HELLO, (recipients) => listener.received(recipients));
    // Bytes are only searched for line ends and ASCII addresses.
    socket.setEncoding('latin1').on('data', (text: string) => this.#take(text));
  }

  greet(): void {
    this.socket.write('220 far.example ESMTP\r\n');
  }

  #take(text: string): void {
    const askedAt = performance.now();
    this.#dialogue.hear(text);
    for (let reply = this.#dialogue.next(); reply !== null; reply = this.#dialogue.next()) {
      this.#replies.push({ text: reply, askedAt });
    }
    if (!this.#isWaiting) this.#writeDue();
  }

  #writeDue(): void {
    const now = performance.now();
    // Timers may fire a little early, and a reply must not be sent too early.
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
