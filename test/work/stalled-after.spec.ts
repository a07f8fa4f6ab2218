import { expect, it } from 'vitest';
import { toMailingSettings } from '../../libs/mailing/src/model/mailing-settings.factory.js';
import { stalledAfterMs } from '../../libs/mailing/src/work/stalled-after.js';

it.each([
  [{}, 120_000],
  [{ messageTimeoutMs: 15_000, hostCallTimeoutMs: 15_000 }, 60_000],
  [{ messageTimeoutMs: 10, hostCallTimeoutMs: 10 }, 60_000],
  [{ messageTimeoutMs: 300_000 }, 360_000],
])('a mailing counts as one that stands still after what a message and an answer may take: %j', (run, ms) => {
  expect(stalledAfterMs(toMailingSettings({ templates: { dir: import.meta.dirname }, run }).run)).toBe(ms);
});
