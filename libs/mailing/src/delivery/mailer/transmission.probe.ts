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
  /** What the message is to pass through, a signature for example; kept to itself. */
  _transforms?: unknown[];
  _processFuncs?: unknown[];
}

const equipped = new WeakSet<Transporter>();

/**
 * Evidence how far a message got.
 *
 * nodemailer reports most broken connections with the same code (`ECONNECTION`, `ESOCKET`, `ETIMEDOUT`; command `CONN`),
 * whether the server was never reached or had taken the whole message and hung up before its 250. The first may be sent
 * again, the second must not. But the body is a stream which nodemailer makes when it has a session for it and starts to
 * read after the server's 354, and a stream knows whether it was ever read. A plugin at nodemailer's `stream` step keeps
 * hold of it; messages that are not ours pass untouched.
 */
export class TransmissionProbe {
  static readonly OPTION = 'mailingHandOverProbe';

  #stream: Readable | null = null;

  /** @param bytes of the whole message; null: nodemailer composes it. */
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

  /** Teaches a transporter to carry probes; once, however often it is called. */
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
      // A second stream, for whatever reason, does not take back what the first one proves.
      if (this.reached !== 'body') this.#stream = stream;
      return hideFromPool(stream);
    };
  }
}

function passesThroughNothing({ _transforms, _processFuncs }: Streamable): boolean {
  return _transforms?.length === 0 && _processFuncs?.length === 0;
}

/**
 * Of a message that met the end of a connection used before, and that nobody has begun to read, the pool drops the
 * server's answer and reports "Reached maximum number of retries": a 421 that wants us slower would look like an outage.
 * Without this property it can't tell, and passes the answer on.
 */
function hideFromPool(stream: Readable): Readable {
  return Object.defineProperty(stream, 'readableDidRead', { value: undefined });
}

function wasRead(stream: Readable): boolean {
  return Reflect.get(Readable.prototype, 'readableDidRead', stream) as boolean;
}
