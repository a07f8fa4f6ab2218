import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { OpeningOutages } from '../../libs/mailing/src/work/opening-outages.js';

const PATIENCE_MS = 1_000;
const FORGET_MS = 5_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

it('an outage of a renderer is over for a mailing that was not tried for long, and the next one has the whole patience', () => {
  const outages = new OpeningOutages(PATIENCE_MS, FORGET_MS);
  expect(outages.failed('a', 'away')).toBe(false);
  vi.advanceTimersByTime(PATIENCE_MS + 1);
  expect(outages.failed('a', 'away')).toBe(true);
  vi.advanceTimersByTime(FORGET_MS + 1);
  expect(outages.failed('a', 'away')).toBe(false);
  vi.advanceTimersByTime(PATIENCE_MS);
  expect(outages.failed('a', 'away')).toBe(false);
  vi.advanceTimersByTime(1);
  expect(outages.failed('a', 'away')).toBe(true);
});

it('a renderer that is being asked is waited for since it was asked, however long that is', () => {
  const outages = new OpeningOutages(PATIENCE_MS, FORGET_MS);
  const since = performance.now();
  outages.begun('a');
  vi.advanceTimersByTime(10 * FORGET_MS);
  const wait = { what: 'its templates', since };
  expect(outages.lasting(FORGET_MS)).toMatchObject([{ mailingId: 'a', wait }]);
  outages.over('a');
  expect(outages.lasting(0)).toEqual([]);
});
