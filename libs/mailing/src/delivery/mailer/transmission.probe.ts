import { Readable, type Transform } from 'node:stream';
import type { SendMailOptions, Transporter } from 'nodemailer';
import { breakLongWords } from '../mime/header-lines.js';
import { SingleChunkTransform } from './single-chunk.transform.js';
import { addOwnPlugin } from './transporter-plugins.js';
import { BufferReadable } from './buffer.readable.js';
import type { Reach } from '../transport/reach.js';

/** The part of nodemailer's message that the probe touches. */
interface Streamable {
  createReadStream(...args: unknown[]): Readable;
  transform(stage: () => Transform): void;
  /** Private: stages that the message passes, for example a signature. */
  _transforms?: unknown[];
  _processFuncs?: unknown[];
}

const equipped = new WeakSet<Transporter>();

/**
 * Finds out how far a message got.
 *
 * A message that never reached the server may be sent again. A message that the server took whole before it hung up must not be. nodemailer
 * reports most broken connections with the same code in both cases (`ECONNECTION`, `ESOCKET`, `ETIMEDOUT`; command `CONN`). But it makes the body as
 * a stream when it has a session, and reads that stream only after the server's 354. So a plugin at nodemailer's `stream` step keeps the stream,
 * which knows whether it was ever read. Messages of others are not touched.
 */
export class TransmissionProbe {
  static readonly OPTION = 'mailingTransmissionProbe';

  #stream: Readable | null = null;

  /** @param bytes the whole message; null: nodemailer composes it. */
  constructor(private readonly bytes: Buffer | null) {}

  get reached(): Reach {
    if (!this.#stream) return 'nowhere';
    return wasRead(this.#stream) ? 'body' : 'session';
  }

  /** Adds the probe to the options of one message. */
  attachTo(options: SendMailOptions): SendMailOptions {
    const carried = { ...options, [TransmissionProbe.OPTION]: this } as SendMailOptions;
    return this.bytes ? Object.assign(carried, { raw: this.bytes }) : carried;
  }

  /** Adds the plugin for probes to a transporter, once. */
  static equip(transporter: Transporter): void {
    if (equipped.has(transporter)) return;
    equipped.add(transporter);
    addOwnPlugin(transporter, 'stream', (mail, done) => {
      const probe = (mail.data as Record<string, unknown>)[TransmissionProbe.OPTION];
      if (probe instanceof TransmissionProbe) probe.#watch(mail.message as unknown as Streamable);
      done();
    });
  }

  #watch(message: Streamable): void {
    if (!this.bytes) {
      breakLongWords(message);
      message.transform(() => new SingleChunkTransform());
    }
    const create = message.createReadStream.bind(message);
    message.createReadStream = (...args) => {
      const { bytes } = this;
      const stream = bytes && passesThroughNothing(message) ? new BufferReadable(bytes) : create(...args);
      // A second stream must not undo what the first one proves.
      if (this.reached !== 'body') this.#stream = stream;
      return hideFromPool(stream);
    };
  }
}

function passesThroughNothing({ _transforms, _processFuncs }: Streamable): boolean {
  return _transforms?.length === 0 && _processFuncs?.length === 0;
}

/**
 * Hides from the pool whether the stream was read. If a reused connection ends before the stream was read, the pool drops the server's answer and
 * reports "Reached maximum number of retries": a 421 that asks for a lower rate would look like an outage. Without this property the pool can't
 * tell, and passes the answer on.
 */
function hideFromPool(stream: Readable): Readable {
  return Object.defineProperty(stream, 'readableDidRead', { value: undefined });
}

function wasRead(stream: Readable): boolean {
  return Reflect.get(Readable.prototype, 'readableDidRead', stream) as boolean;
}
