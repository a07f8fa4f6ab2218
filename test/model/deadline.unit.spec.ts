import { getEventListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { answerWithin, endsWithin } from '../../libs/mailing/src/model/values/deadline.js';
import { never } from '../support/silence.js';
import { UnhandledRejections } from '../support/unhandled-rejections.js';

const silence = (): Error => new Error('silent');

/** Rejects `ms` from now. */
function failsIn(ms: number): Promise<never> {
  return new Promise((_, reject) => void setTimeout(() => reject(new Error('failed')), ms));
}

describe('a wait with a deadline', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  it.each([
    ['a value', () => 'the answer'],
    ['a promise', () => Promise.resolve('the answer')],
  ])('returns %s that comes in time, and leaves no timer and no listener', async (_, answer) => {
    const { signal } = new AbortController();
    expect(await answerWithin(answer(), 1_000, silence, { stop: signal })).toBe('the answer');
    expect(await endsWithin(Promise.resolve(answer()), 1_000)).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('passes a rejection on, and leaves no timer and no listener', async () => {
    const { signal } = new AbortController();
    const failed = (): Promise<never> => Promise.reject(new Error('failed'));
    await expect(answerWithin(failed(), 1_000, silence, { stop: signal })).rejects.toThrow('failed');
    await expect(endsWithin(failed(), 1_000)).rejects.toThrow('failed');
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('ends when the time is over and not before, by the error of the caller or by false', async () => {
    const { signal } = new AbortController();
    let ended = 0;
    const answer = answerWithin(never(), 1_000, silence, { stop: signal }).finally(() => ended++);
    const end = endsWithin(never(), 1_000).finally(() => ended++);
    const both = Promise.allSettled([answer, end]);
    await vi.advanceTimersByTimeAsync(999);
    expect(ended).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(await both).toEqual([
      { status: 'rejected', reason: new Error('silent') },
      { status: 'fulfilled', value: false },
    ]);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('makes the error of the caller only when the time is over', async () => {
    const make = vi.fn<() => Error>(silence);
    await answerWithin('the answer', 1_000, make);
    expect(make).not.toHaveBeenCalled();
  });

  it('ignores a rejection that comes too late', async () => {
    using unhandled = new UnhandledRejections();
    const waits = Promise.allSettled([
      answerWithin(failsIn(2_000), 1_000, silence),
      endsWithin(failsIn(2_000), 1_000),
    ]);
    await vi.advanceTimersByTimeAsync(3_000);
    await waits;
    await turn();
    expect(unhandled.reasons).toEqual([]);
  });

  it('ends by a signal, also one that has aborted before', async () => {
    using unhandled = new UnhandledRejections();
    const stop = new AbortController();
    const wait = (): Promise<unknown> => answerWithin(failsIn(10), 1_000, silence, { stop: stop.signal });
    const before = wait();
    stop.abort(new Error('stopped'));
    await expect(before).rejects.toThrow('stopped');
    await expect(wait()).rejects.toThrow('stopped');
    await vi.advanceTimersByTimeAsync(10);
    await turn();
    expect(vi.getTimerCount()).toBe(0);
    expect(unhandled.reasons).toEqual([]);
  });
});

describe('the timer of a wait', () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;

  it('keeps the process alive, unless the caller wants it otherwise', async () => {
    const stop = new AbortController();
    const before = timers();
    const unreferenced = answerWithin(never(), 60_000, silence, { stop: stop.signal, ref: false });
    expect(timers()).toBe(before);
    const referenced = answerWithin(never(), 60_000, silence, { stop: stop.signal });
    expect(timers()).toBe(before + 1);
    stop.abort();
    await Promise.allSettled([unreferenced, referenced]);
    expect(timers()).toBe(before);
  });
});
