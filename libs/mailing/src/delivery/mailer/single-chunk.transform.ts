import { Transform, type TransformCallback } from 'node:stream';

/** A letter without attachments is below that as a rule. */
const GATHER_BYTES = 32 * 1024;

/**
 * Joins the small pieces of a message.
 *
 * nodemailer writes each boundary, header and body of a message by itself, and a socket without anything to wait for turns each
 * into a system call and a packet of its own: a dozen for a letter of two kilobytes, where one will do. The mail server
 * is spared as many reads. At most `GATHER_BYTES` and one piece are kept; a large message flows as it did before.
 */
export class SingleChunkTransform extends Transform {
  #pieces: Buffer[] = [];
  #size = 0;

  override _transform(piece: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#pieces.push(piece);
    this.#size += piece.length;
    if (this.#size >= GATHER_BYTES) this.#pass();
    done();
  }

  override _flush(done: TransformCallback): void {
    this.#pass();
    done();
  }

  #pass(): void {
    if (this.#size > 0) this.push(Buffer.concat(this.#pieces, this.#size));
    this.#pieces = [];
    this.#size = 0;
  }
}
