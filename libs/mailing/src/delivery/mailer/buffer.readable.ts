import { Readable } from 'node:stream';

/** A finished message as a stream of one stage and one piece. nodemailer's own stream has several stages, even if they have nothing to do. */
export class BufferReadable extends Readable {
  constructor(private readonly bytes: Buffer) {
    super();
  }

  override _read(): void {
    this.push(this.bytes);
    this.push(null);
  }
}
