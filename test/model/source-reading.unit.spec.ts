import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HOST_CALL_TIMEOUT_MS } from '../../libs/mailing/src/model/host-calls/host-call.js';
import { beginReading } from '../../libs/mailing/src/model/host-calls/source-reading.js';
import { SourceWatch } from '../../libs/mailing/src/model/host-calls/source-watch.js';
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
  ])('rejects with the error of the reader, also if return() %s', async (_, end) => {
    for (const watch of [undefined, new SourceWatch(600_000)]) {
      const failed = failIn(beginReading(list(end), 'recipients', watch)).catch((error: unknown) => error);
      await vi.advanceTimersByTimeAsync(HOST_CALL_TIMEOUT_MS);
      expect(await failed).toMatchObject({ message: 'no room for 1' });
    }
  });

  it('calls return() without waiting for it, and without a timer, while an entry is pending', async () => {
    vi.useRealTimers();
    const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;
    const before = timers();
    let numTold = 0;
    const source = { next: () => never<IteratorResult<number>>(), return: () => (numTold++, never()) };
    for (const watch of [undefined, new SourceWatch(600_000)]) {
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

  it('has a time limit for each entry, not for the list, and ends a list whose entry takes longer', async () => {
    let waitMs = 59_000;
    const end = vi.fn<() => Promise<unknown>>(() => Promise.resolve());
    const iterator = list(end)[Symbol.asyncIterator]();
    const next = async (): Promise<IteratorResult<number>> => {
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      return { done: false, value: 1 };
    };
    const slow = { [Symbol.asyncIterator]: () => ({ ...iterator, next }) };
    const watch = new SourceWatch(60_000, 'orders.sourceTimeoutMs');
    const reading = beginReading(slow, 'orders', watch)[Symbol.asyncIterator]();
    for (let n = 0; n < 5; n++) {
      const entry = reading.next();
      await vi.advanceTimersByTimeAsync(waitMs);
      expect(await entry).toEqual({ done: false, value: 1 });
    }
    waitMs = 61_000;
    const late = reading.next().catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await late).toMatchObject({
      call: 'the next entry of orders',
      timeoutMs: 60_000,
      option: 'orders.sourceTimeoutMs',
    });
    expect(end).toHaveBeenCalledOnce();
    await expect(reading.next()).rejects.toThrow('no answer within 60000 ms');
  });

  it('waits for return() if it settles in time', async () => {
    let isOver = false;
    const end = (): Promise<void> => Promise.resolve().then(() => void (isOver = true));
    await expect(failIn(beginReading(list(end), 'recipients'))).rejects.toThrow('no room');
    expect(isOver).toBe(true);
  });
});
