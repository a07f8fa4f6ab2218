import type { MailMessage, Transport } from 'nodemailer';
import { errorOf, type Failure } from './failures.js';
import { ProcessKilledError } from './mailing-testing.errors.js';
import { recordOf } from './message.record.js';
import type { SentMessage } from './sent-message.js';

/** The mail server of a test: keeps every message, and fails those that it is told to. It outlives the applications that send to it. */
export class MemoryMailbox {
  readonly messages: SentMessage[] = [];
  readonly #failures: Failure[] = [];
  #onArrival: { count: number; arrived: () => void } | null = null;
  /** The transport of the application that is running; those of earlier ones reach nothing. */
  #line = {};

  /** Ends every transport that was made until now, with the messages that wait for an answer. */
  cut(): void {
    this.#line = {};
  }

  failNext(failure: Failure, times: number): void {
    for (let n = 0; n < times; n++) this.#failures.push(failure);
  }

  /** Calls once, when so many more messages have arrived, before the last of them is answered. */
  afterNext(count: number, arrived: () => void): void {
    this.#onArrival = { count, arrived };
  }

  /** A transport of nodemailer to this mailbox, for one application. */
  transport(): Transport {
    const line = this.#line;
    return {
      name: 'memory',
      version: '1',
      verify: async () => {
        // The plugin asks so whether an outage is over.
        if (this.#failures[0] === 'unreachable') throw errorOf(this.#failures.shift() as Failure);
        return true;
      },
      send: (mail, done) => {
        this.#accept(mail as MailMessage, line).then(
          (info) => done(null, info as never),
          (error: unknown) => done(error as Error, undefined as never),
        );
      },
    };
  }

  async #accept(mail: MailMessage, line: object): Promise<object> {
    this.#check(line);
    const failure = this.#failures.shift();
    if (failure !== undefined && failure !== 'unanswered') throw errorOf(failure);
    const message = await recordOf(mail);
    this.#check(line);
    this.messages.push(message);
    this.#noteArrival();
    this.#check(line);
    if (failure !== undefined) throw errorOf(failure);
    const { envelope, messageId } = message;
    return { envelope, messageId, accepted: envelope.to, rejected: [], response: '250 2.0.0 OK' };
  }

  #check(line: object): void {
    if (line !== this.#line) throw new ProcessKilledError();
  }

  #noteArrival(): void {
    const awaited = this.#onArrival;
    if (!awaited || --awaited.count > 0) return;
    this.#onArrival = null;
    awaited.arrived();
  }
}
