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

  it('a return() is only told, and keeps no process alive, while the list owes an entry', async () => {
    vi.useRealTimers();
    const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;
    const before = timers();
    let numTold = 0;
    const source = { next: () => never<IteratorResult<number>>(), return: () => (numTold++, never()) };
    for (const watch of [undefined, new SourceWatch()]) {
      const reading = beginReading({ [Symbol.asyncIterator]: () => source }, 'recipients', watch);
      const iterator = reading[Symbol.asyncIterator]();
      const owed = iterator.next();
      owed.catch(() => undefined);
      await new Promise((resolve) => setImmediate(resolve));
      await iterator.return?.();
      watch?.end(new Error('over'));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(numTold).toBe(2);
    expect(timers()).toBe(before);
  });

  it('a return() in time is waited for', async () => {
    let isOver = false;
    const end = (): Promise<void> => Promise.resolve().then(() => void (isOver = true));
    await expect(failIn(beginReading(list(end), 'recipients'))).rejects.toThrow('no room');
    expect(isOver).toBe(true);
  });
});
