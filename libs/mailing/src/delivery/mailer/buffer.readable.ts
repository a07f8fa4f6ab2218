import { Readable } from 'node:stream';

/**
 * A message whose bytes are there already, as a stream of a single stage and a single piece. nodemailer's own has several stages,
 * whatever there is to do in them.
 */
export class BufferReadable extends Readable {
  constructor(private readonly bytes: Buffer) {
    super();
  }

  override _read(): void {
    this.push(this.bytes);
    this.push(null);
  }
}
