import { expect, it } from 'vitest';
import { forEachDatabase, forEachServer } from '../support/databases/for-each-database.js';
import { BATCH_GAPS } from './processes/batch-gaps.js';
import { type Death, KilledLife } from './processes/killed-life.js';

/** Each row is one life: its deaths, one after another, each of a process of its own. */
const LIVES: Death[][] = [
  ...BATCH_GAPS.map((at): Death[] => [{ at }]),
  // A sweep that dies has batches of the dead, under claims of its own.
  [{ at: 'afterIntentCommitted', on: 2 }, { at: 'afterRecovered' }],
  [{ at: 'beforeHandOver', on: 3 }, { at: 'afterResolverAsked' }],
  [{ at: 'afterAnswer', server: 'old:1' }, { at: 'afterServerPruned' }],
  [{ at: 'afterPauseRequested' }],
  [{ at: 'afterRetryChunk' }],
  ...[7, 12, 18].map((on): Death[] => [{ at: 'beforeCommit', on }]),
];
const nameOf = (deaths: Death[]): string =>
  deaths.map(({ at, on = 1 }) => `${at} (${on})`).join(', then at ');
const NAMED = LIVES.map((deaths) => ({ deaths, name: nameOf(deaths) }));

forEachDatabase('a process that dies while it works on batches', (kind) => {
  const life = KilledLife.forEachTest(kind, { isBatched: true });

  it('lives through the whole of it when nobody kills it', async () => {
    expect(await life.dies([])).toEqual([]);
  });

  it.each(NAMED)(
    'A19 F5 dies at $name: nobody gets a second copy, and the books add up',
    async ({ deaths }) => {
      expect(await life.dies(deaths)).toEqual([]);
    },
  );
});

/** Deaths in the middle of sending, and of a sweep. */
const WITH_JOURNAL: Death[][] = [
  [{ at: 'afterIntentCommitted', on: 2 }, { at: 'afterRecovered' }],
  [{ at: 'beforeHandOver', on: 3 }],
  [{ at: 'afterAnswer', on: 5 }, { at: 'afterAnswer' }],
  [{ at: 'beforeOutcomesWritten', on: 2 }],
];

forEachServer('a process that dies while it works on batches, with a journal', (kind) => {
  const life = KilledLife.forEachTest(kind, { isBatched: true, hasJournal: true });

  it.each(WITH_JOURNAL.map((deaths) => ({ deaths, name: nameOf(deaths) })))(
    'A19 F5 dies at $name: only what was under way is in doubt',
    async ({ deaths }) => {
      expect(await life.dies(deaths)).toEqual([]);
    },
  );
});
