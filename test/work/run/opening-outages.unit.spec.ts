import { MailingEvents } from 'nestjs-mailing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { OpeningOutages } from '../../../libs/mailing/src/work/execution/opening-outages.js';

const TIMEOUT_MS = 1_000;
const events = new MailingEvents();
const QUIET_MS = 5_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

it('OpeningOutages: an outage of a renderer ends for a mailing that was not retried for long, and the next one has the whole time limit', () => {
  const outages = new OpeningOutages(TIMEOUT_MS, QUIET_MS, events);
  expect(outages.failed('a', 'away')).toBe(false);
  vi.advanceTimersByTime(TIMEOUT_MS + 1);
  expect(outages.failed('a', 'away')).toBe(true);
  vi.advanceTimersByTime(QUIET_MS + TIMEOUT_MS + 1);
  expect(outages.failed('a', 'away')).toBe(false);
  vi.advanceTimersByTime(TIMEOUT_MS);
  expect(outages.failed('a', 'away')).toBe(false);
  vi.advanceTimersByTime(1);
  expect(outages.failed('a', 'away')).toBe(true);
});

it('OpeningOutages: a renderer that is being asked counts as waited for since it was asked, however long that is', () => {
  const outages = new OpeningOutages(TIMEOUT_MS, QUIET_MS, events);
  const since = performance.now();
  outages.begun('a');
  vi.advanceTimersByTime(10 * QUIET_MS);
  const wait = { what: 'its templates', since };
  expect(outages.lasting(QUIET_MS)).toMatchObject([{ mailingId: 'a', wait }]);
  outages.over('a');
  expect(outages.lasting(0)).toEqual([]);
});

it('OpeningOutages: an outage is not reported when the mailing was not retried for long, and begins anew after a command', () => {
  const outages = new OpeningOutages(TIMEOUT_MS, QUIET_MS, events);
  outages.failed('a', 'away');
  outages.failed('b', 'away');
  vi.advanceTimersByTime(QUIET_MS);
  expect(outages.lasting(0)).toHaveLength(2);
  events.emit('mailing:command', { mailingId: 'b', command: 'pause', status: 'paused' });
  expect(outages.lasting(0)).toMatchObject([{ mailingId: 'a' }]);
  vi.advanceTimersByTime(1);
  expect(outages.lasting(0)).toEqual([]);
  expect(outages.failed('b', 'away')).toBe(false);
  expect(outages.failed('a', 'away')).toBe(true);
});
