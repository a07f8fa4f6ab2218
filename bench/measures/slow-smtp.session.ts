import type { Socket } from 'node:net';
import { SmtpDialogue } from './smtp.dialogue.js';

/** Listener for events of a session. */
export interface SessionListener {
  /** The final dot has arrived. */
  received(recipients: string[]): void;
  /** A reply was sent, so long after its command. */
  replied(afterMs: number): void;
}

/** One connection of the slow mail server, which delays replies one after the other. */
export class SlowSmtpSession {
  readonly #dialogue: SmtpDialogue;
  #isAnswering = false;

  constructor(
    private readonly socket: Socket,
    private readonly replyMs: number,
    private readonly listener: SessionListener,
  ) {
    this.#dialogue = new SmtpDialogue('250 slow.example\r\n', (recipients) => listener.received(recipients));
    // Bytes are only searched for line ends and ASCII addresses.
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.#dialogue.hear(text);
      if (!this.#isAnswering) this.#goOn();
    });
  }

  greet(): void {
    this.socket.write('220 slow.example ESMTP\r\n');
  }

  #goOn(): void {
    const reply = this.#dialogue.next();
    if (reply !== null) this.#answer(reply);
  }

  #answer(reply: string): void {
    this.#isAnswering = true;
    const askedAt = performance.now();
    const write = (): void => {
      const afterMs = performance.now() - askedAt;
      // Node's timers count in whole milliseconds of a cached clock, so one may fire a little early.
      if (afterMs < this.replyMs) return void setTimeout(write, 1);
      this.#isAnswering = false;
      this.listener.replied(afterMs);
      this.socket.write(reply);
      if (reply.startsWith('221')) return void this.socket.end();
      this.#goOn();
    };
    setTimeout(write, this.replyMs);
  }
}
