import { Transform, type TransformCallback } from 'node:stream';

/** Most letters without attachments are smaller. */
const GATHER_BYTES = 32 * 1024;

/**
 * Joins the small pieces of a message.
 *
 * nodemailer writes each boundary, header and body separately, and a socket with nothing to wait for turns each into a system call and a packet:
 * a dozen for a letter of two kilobytes, where one is enough. The mail server saves as many reads. At most `GATHER_BYTES` and one piece are held;
 * a large message flows as before.
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
