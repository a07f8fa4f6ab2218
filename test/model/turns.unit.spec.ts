import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Turns } from '../../libs/mailing/src/model/values/turns.js';

/** Number of entries until the turn is over. */
function entriesOf(turns: Turns): number {
  let entries = 0;
  while (!turns.isOver()) entries++;
  return entries;
}

describe('a turn of a loop over a list', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is over after 250 entries, and so is the next', async () => {
    const turns = new Turns();
    expect(entriesOf(turns)).toBe(250);
    await turns.next();
    expect(entriesOf(turns)).toBe(250);
  });

  it('is over after an entry that takes 10 ms, and not after one that takes less', async () => {
    const turns = new Turns();
    vi.advanceTimersByTime(9);
    expect(turns.isOver()).toBe(false);
    vi.advanceTimersByTime(1);
    expect(turns.isOver()).toBe(true);
    await turns.next();
    expect(turns.isOver()).toBe(false);
    vi.advanceTimersByTime(10);
    expect(turns.isOver()).toBe(true);
  });

  it('runs pending work of the event loop first', async () => {
    let hasRun = false;
    const waiting = turn().then(() => (hasRun = true));
    await new Turns().next();
    expect(hasRun).toBe(true);
    await waiting;
  });
});
