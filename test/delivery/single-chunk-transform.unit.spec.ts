import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { SingleChunkTransform } from '../../libs/mailing/src/delivery/mailer/single-chunk.transform.js';

describe('SingleChunkTransform', () => {
  const through = (pieces: Buffer[]): Readable => Readable.from(pieces).pipe(new SingleChunkTransform());
  const chunksOf = async (pieces: Buffer[]): Promise<Buffer[]> => through(pieces).toArray();

  it('joins the chunks of a message', async () => {
    const pieces = Array.from({ length: 14 }, (_, n) => Buffer.from(`piece ${n}\r\n`));
    expect(await chunksOf(pieces)).toEqual([Buffer.concat(pieces)]);
  });

  it('forwards a large message in chunks, unchanged', async () => {
    const pieces = Array.from({ length: 200 }, (_, n) => Buffer.alloc(1_000, n));
    expect(Buffer.concat(await chunksOf(pieces)).equals(Buffer.concat(pieces))).toBe(true);
    const gatherer = new SingleChunkTransform();
    for (const piece of pieces.slice(0, 32)) gatherer.write(piece);
    expect(gatherer.read()).toBeNull();
    gatherer.write(pieces[32]);
    expect(gatherer.read()).toEqual(Buffer.concat(pieces.slice(0, 33)));
  });

  it('forwards nothing for an empty message', async () => {
    expect(await chunksOf([])).toEqual([]);
  });
});
