import { expect, it } from 'vitest';
import {
  WriteBehindBuffer,
  MAX_IN_GROUP,
  MAX_KEPT,
} from '../../../libs/mailing/src/work/recipients/write-behind.buffer.js';

const keys = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${from + n}`);

it('WriteBehindBuffer: keeps a bounded number of items while the host does not answer, drops the oldest, and reports how many', async () => {
  const written: string[][] = [];
  let dropped = 0;
  let answer = (): void => undefined;
  const isAnswered = new Promise<void>((resolve) => (answer = resolve));
  const writer = new WriteBehindBuffer({
    write: async (group) => {
      await isAnswered;
      written.push(group);
    },
    failed: () => undefined,
    dropped: (count) => (dropped += count),
  });
  const total = 25_000;
  for (let first = 0; first < total; first += 100) writer.note(keys(first, 100));
  expect(dropped).toBe(total - MAX_KEPT);
  expect(writer.notedAt('0')).toBeUndefined();
  expect(writer.notedAt(`${total - 1}`)).toBeTypeOf('number');
  answer();
  await writer.close(10_000);
  expect(written.flat()).toEqual(keys(total - MAX_KEPT, MAX_KEPT));
  expect(written.map((group) => group.length)).toEqual(written.map(() => MAX_IN_GROUP));
  expect(writer.notedAt(`${total - 1}`)).toBeUndefined();
  expect(dropped).toBe(total - MAX_KEPT);
});

it('WriteBehindBuffer: close waits for a slow call until its time limit, though a flush has waited for that call in vain', async () => {
  const written: string[][] = [];
  let dropped = 0;
  let answer = (): void => undefined;
  const isAnswered = new Promise<void>((resolve) => (answer = resolve));
  const writer = new WriteBehindBuffer({
    write: async (group) => {
      await isAnswered;
      written.push(group);
    },
    failed: () => undefined,
    dropped: (count) => (dropped += count),
  });
  writer.note(keys(0, 3));
  await writer.flush(10);
  const closed = writer.close(10_000);
  setTimeout(answer, 50);
  await closed;
  expect([written, dropped]).toEqual([[keys(0, 3)], 0]);
});
