import { expect, it } from 'vitest';
import {
  WriteBehindBuffer,
  MAX_IN_GROUP,
  MAX_KEPT,
} from '../../../libs/mailing/src/work/recipients/write-behind.buffer.js';

const keys = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${from + n}`);

/** A buffer whose host does not answer until `answer` is called. */
class SilentHost {
  readonly written: string[][] = [];
  dropped = 0;
  answer = (): void => undefined;
  readonly #isAnswered = new Promise<void>((resolve) => (this.answer = resolve));
  readonly buffer = new WriteBehindBuffer({
    write: async (group) => {
      await this.#isAnswered;
      this.written.push(group);
    },
    failed: () => undefined,
    dropped: (count) => (this.dropped += count),
  });
}

it('WriteBehindBuffer: keeps a bounded number of items while the host does not answer, drops the oldest, and reports how many', async () => {
  const host = new SilentHost();
  const { buffer, written } = host;
  const total = 25_000;
  for (let first = 0; first < total; first += 100) buffer.note(keys(first, 100));
  expect(host.dropped).toBe(total - MAX_KEPT);
  expect(buffer.notedAt('0')).toBeUndefined();
  expect(buffer.notedAt(`${total - 1}`)).toBeTypeOf('number');
  host.answer();
  await buffer.close(10_000);
  expect(written.flat()).toEqual(keys(total - MAX_KEPT, MAX_KEPT));
  expect(written.map((group) => group.length)).toEqual(written.map(() => MAX_IN_GROUP));
  expect(buffer.notedAt(`${total - 1}`)).toBeUndefined();
  expect(host.dropped).toBe(total - MAX_KEPT);
});

it('WriteBehindBuffer: close waits for a slow call until its time limit, though a flush has waited for that call in vain', async () => {
  const host = new SilentHost();
  const { buffer, written } = host;
  buffer.note(keys(0, 3));
  await buffer.flush(10);
  const closed = buffer.close(10_000);
  // Without a wait it would have dropped them by now.
  await new Promise(setImmediate);
  host.answer();
  await closed;
  expect([written, host.dropped]).toEqual([[keys(0, 3)], 0]);
});
