import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HOST_CALL_TIMEOUT_MS } from '../../libs/mailing/src/model/host-call.js';
import { beginReading } from '../../libs/mailing/src/model/source-reading.js';
import { SourceWatch } from '../../libs/mailing/src/model/source-watch.js';
import { never } from '../support/silence.js';

describe('beginReading', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const list = (end: () => Promise<unknown>): AsyncIterable<number> => ({
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.resolve({ done: false, value: 1 }),
      return: async () => {
        await end();
        return { done: true, value: undefined };
      },
    }),
  });
  const failIn = async (source: AsyncIterable<number>): Promise<void> => {
    for await (const one of source) throw new Error(`no room for ${one}`);
  };

  it.each([
    ['never settles', () => never<void>()],
    ['rejects', () => Promise.reject(new Error('no cursor'))],
  ])('a return() that %s neither keeps nor hides what failed in the reader', async (_, end) => {
    for (const watch of [undefined, new SourceWatch()]) {
      const failed = failIn(beginReading(list(end), 'recipients', watch)).catch((error: unknown) => error);
      await vi.advanceTimersByTimeAsync(HOST_CALL_TIMEOUT_MS);
      expect(await failed).toMatchObject({ message: 'no room for 1' });
    }
  });

  it('a return() in time is waited for', async () => {
    let isOver = false;
    const end = (): Promise<void> => Promise.resolve().then(() => void (isOver = true));
    await expect(failIn(beginReading(list(end), 'recipients'))).rejects.toThrow('no room');
    expect(isOver).toBe(true);
  });
});
