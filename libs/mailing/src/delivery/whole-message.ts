import { Readable } from 'node:stream';

/**
 * A message whose bytes are there already. nodemailer makes a stream of several stages for each message, which has taken
 * nearly as long as the rest of sending it; this one has a single stage and a single piece.
 */
export class WholeMessage extends Readable {
  constructor(private readonly bytes: Buffer) {
    super();
  }

  override _read(): void {
    this.push(this.bytes);
    this.push(null);
  }
}
