import type { Readable } from 'node:stream';
import type { SendMailOptions, Transporter } from 'nodemailer';

/** The part of nodemailer's message that the probe touches. */
interface Streamable {
  createReadStream(...args: unknown[]): Readable;
}

const equipped = new WeakSet<Transporter>();

/**
 * Evidence whether a single byte of a message has left us.
 *
 * nodemailer reports most broken connections with the same code (`ECONNECTION`, `ESOCKET`, `ETIMEDOUT`; command `CONN`),
 * whether the server was never reached or had taken the whole message and hung up before its 250. The first may be sent
 * again, the second must not. But the body is a stream which nodemailer starts to read after the server's 354, and a
 * stream knows whether it was ever read. A plugin at nodemailer's `stream` step keeps hold of it; messages that are not
 * ours pass untouched.
 */
export class HandOverProbe {
  static readonly OPTION = 'mailingHandOverProbe';

  #stream: Readable | null = null;

  /** True as soon as the server may have a part of the message. */
  get begun(): boolean {
    return this.#stream?.readableDidRead ?? false;
  }

  /** Adds the probe to the options of one message. */
  attachTo(options: SendMailOptions): SendMailOptions {
    return { ...options, [HandOverProbe.OPTION]: this } as SendMailOptions;
  }

  /** Teaches a transporter to carry probes; once, however often it is called. */
  static equip(transporter: Transporter): void {
    if (equipped.has(transporter)) return;
    equipped.add(transporter);
    transporter.use('stream', (mail, done) => {
      const probe = (mail.data as Record<string, unknown>)[HandOverProbe.OPTION];
      if (probe instanceof HandOverProbe) probe.#watch(mail.message as unknown as Streamable);
      done();
    });
  }

  #watch(message: Streamable): void {
    const create = message.createReadStream.bind(message);
    message.createReadStream = (...args) => (this.#stream = create(...args));
  }
}
