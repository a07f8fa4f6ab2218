import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FAULT_POINT_NAMES, type FaultPoint } from '../../libs/mailing/src/model/ports/fault-points.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { BATCH_GAPS } from './processes/batch-gaps.js';
import { type Death, KilledLife, type LifeOptions } from './processes/killed-life.js';

const SOURCES = fileURLToPath(new URL('../../libs/mailing/src', import.meta.url));

/** Gaps that are only reached while recovering from an earlier death. */
const AFTER_A_DEATH: Partial<Record<FaultPoint, Death[]>> = {
  afterRecovered: [{ at: 'afterIntentCommitted' }, { at: 'afterRecovered' }],
  afterResolverAsked: [{ at: 'afterAnswer' }, { at: 'afterResolverAsked' }],
  afterAdopted: [{ at: 'afterAnswer', server: 'old:1' }, { at: 'afterAdopted' }],
  afterServerPruned: [{ at: 'afterAnswer', server: 'old:1' }, { at: 'afterServerPruned' }],
};

const deathsOf = (point: FaultPoint): Death[] => AFTER_A_DEATH[point] ?? [{ at: point }];

/** Gaps of a mailing that one server sends. Those of batches are in `every-batch-gap.process.spec.ts`. */
const OWN_GAPS = FAULT_POINT_NAMES.filter((name) => !BATCH_GAPS.includes(name));

/** Every transaction, and gaps of a run again when it is well under way. */
const MORE: Death[] = [
  ...Array.from({ length: 9 }, (_, n): Death => ({ at: 'beforeCommit', on: n + 2 })),
  { at: 'afterIntentCommitted', on: 4 },
  { at: 'afterAnswer', on: 9 },
  { at: 'beforeOutcomesWritten', on: 3 },
  { at: 'afterOutcomesCommitted', on: 5 },
];

describe('the list of gaps', () => {
  it('has exactly the fault points of the code', () => {
    const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('fault-points.ts'))
      .map((file) => readFileSync(join(SOURCES, file), 'utf8'));
    const called = files.flatMap((text) =>
      [...text.matchAll(/\.reach\(\s*'(\w+)'/g)].map(([, name]) => name),
    );
    const passedOn = FAULT_POINT_NAMES.filter((name) => files.some((text) => text.includes(`'${name}',`)));
    expect([...new Set([...called, ...passedOn])].sort()).toEqual([...FAULT_POINT_NAMES].sort());
  });
});

forEachDatabase('a process that dies', (kind) => {
  const life = KilledLife.forEachTest(kind);

  it('runs to the end without a kill', async () => {
    expect(await life.dies([])).toEqual([]);
  });

  it.each(OWN_GAPS)('A19 dies at %s: no recipient gets a second copy, and none is lost', async (point) => {
    expect(await life.dies(deathsOf(point))).toEqual([]);
  });

  it.each(MORE)(
    'A19 dies at visit $on of $at: no recipient gets a second copy, and none is lost',
    async (death) => {
      expect(await life.dies([death])).toEqual([]);
    },
  );
});

/** Gaps where recipients are marked, or a dead process is recovered. */
const JOURNAL_GAPS: FaultPoint[] = [
  'afterRecovered',
  'afterResolverAsked',
  'afterAdopted',
  'afterServerPruned',
  'afterIntentCommitted',
  'beforeRendered',
  'beforeHandOver',
  'afterAnswer',
  'beforeOutcomesWritten',
  'afterOutcomesCommitted',
  'beforeCommit',
];

describe.each<[string, LifeOptions, FaultPoint[]]>([
  ['speaking SMTP by itself', { isBulk: true }, OWN_GAPS],
  ['without a journal', { journal: 'off' }, JOURNAL_GAPS],
  ['without a journal, speaking SMTP by itself', { journal: 'off', isBulk: true }, JOURNAL_GAPS],
])('a process that dies, %s (sqlite)', (_how, how, gaps) => {
  const life = KilledLife.forEachTest('sqlite', how);

  it('runs to the end without a kill', async () => {
    expect(await life.dies([])).toEqual([]);
  });

  it.each(gaps)('A19 dies at %s: no recipient gets a second copy, and none is lost', async (point) => {
    expect(await life.dies(deathsOf(point))).toEqual([]);
  });
});
