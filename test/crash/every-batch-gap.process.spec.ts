import { expect, it } from 'vitest';
import { forEachDatabase, forEachServer } from '../support/databases/for-each-database.js';
import { BATCH_GAPS } from './processes/batch-gaps.js';
import { type Death, KilledLife } from './processes/killed-life.js';

/** Each row is a sequence of deaths, each of a new process. */
const LIVES: Death[][] = [
  ...BATCH_GAPS.map((at): Death[] => [{ at }]),
  // A sweep that dies has claimed batches of dead servers.
  [{ at: 'afterIntentCommitted', on: 2 }, { at: 'afterRecovered' }],
  [{ at: 'beforeHandOver', on: 3 }, { at: 'afterResolverAsked' }],
  [{ at: 'afterAnswer', server: 'old:1' }, { at: 'afterServerPruned' }],
  [{ at: 'afterPauseRequested' }],
  [{ at: 'afterRetryChunk' }],
  [{ at: 'afterContinued' }],
  ...[7, 12, 18].map((on): Death[] => [{ at: 'beforeCommit', on }]),
];
const nameOf = (deaths: Death[]): string =>
  deaths.map(({ at, on = 1 }) => `${at} (${on})`).join(', then at ');
const NAMED = LIVES.map((deaths) => ({ deaths, name: nameOf(deaths) }));

forEachDatabase('a process that dies while it works on batches', (kind) => {
  const life = KilledLife.forEachTest(kind, { isBatched: true });

  it('runs to the end without a kill', async () => {
    expect(await life.dies([])).toEqual([]);
  });

  it.each(NAMED)(
    'A19 F5 dies at $name: no recipient gets a second copy, and counters add up',
    async ({ deaths }) => {
      expect(await life.dies(deaths)).toEqual([]);
    },
  );
});

/** Deaths in the middle of sending, and of a sweep. */
const WITHOUT_JOURNAL: Death[][] = [
  [{ at: 'afterIntentCommitted', on: 2 }, { at: 'afterRecovered' }],
  [{ at: 'beforeHandOver', on: 3 }],
  [{ at: 'afterAnswer', on: 5 }, { at: 'afterAnswer' }],
  [{ at: 'beforeOutcomesWritten', on: 2 }],
];

forEachServer('a process that dies while it works on batches, without a journal', (kind) => {
  const life = KilledLife.forEachTest(kind, { isBatched: true, journal: 'off' });

  it.each(WITHOUT_JOURNAL.map((deaths) => ({ deaths, name: nameOf(deaths) })))(
    'A19 F5 dies at $name: only marked recipients are in doubt',
    async ({ deaths }) => {
      expect(await life.dies(deaths)).toEqual([]);
    },
  );
});
