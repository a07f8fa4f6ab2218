import { Readable } from 'node:stream';
import { AttachmentTooLargeError } from '../../model/mail/attachment.errors.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import { InvalidFieldError } from '../../model/errors/request.errors.js';
import { beginReading } from '../../model/host-calls/source-reading.js';
import { SourceWatch } from '../../model/host-calls/source-watch.js';

/**
 * Reads a stream to its end, up to `maxBytes`.
 *
 * @throws SourceConsumedError if it was read before; AttachmentTooLargeError; InvalidFieldError if it does not end in time; errors of the stream.
 */
export async function readStream(
  field: string,
  stream: AsyncIterable<Uint8Array | string>,
  { maxBytes, fetchTimeoutMs }: Pick<MailingSettings['attachments'], 'maxBytes' | 'fetchTimeoutMs'>,
): Promise<Buffer> {
  const name = `${field}.content`;
  const watch = new SourceWatch(null);
  const pieces = beginReading(stream, name, watch)[Symbol.asyncIterator]();
  const timer = setTimeout(() => {
    const expected = `a stream that ends within ${fetchTimeoutMs} ms (attachments.fetchTimeoutMs)`;
    watch.end(new InvalidFieldError(name, expected, 'one that did not'));
  }, fetchTimeoutMs);
  const chunks: Buffer[] = [];
  let left = maxBytes;
  try {
    for (;;) {
      const next = await pieces.next();
      if (next.done) return Buffer.concat(chunks);
      const chunk = Buffer.from(next.value as Uint8Array);
      left -= chunk.length;
      if (left < 0) throw new AttachmentTooLargeError(field, maxBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    // A Node stream can be destroyed during a read; an iterator that waits for its next piece can't be interrupted.
    if (stream instanceof Readable) stream.destroy();
    else pieces.return?.().catch(() => undefined);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
