import { describe, expect, it } from 'vitest';
import { RunUsageError } from '../support/run-options.js';
import type { Topology } from './database-cluster.js';
import { DRILL_NAMES } from './drill.js';
import { DRILLS, fittingDrills, SHORT } from './drill.table.js';
import { parseDrillsOptions } from './drills.options.js';
import { STARTABLE } from './topologies.js';

describe('the options of drills on clusters', () => {
  it('are parsed', () => {
    const words = '--minutes 0.5 --seed 3 --topology galera --drill split,kill-node --logs a/b --json'.split(
      ' ',
    );
    expect(parseDrillsOptions(words)).toEqual({
      minutes: 0.5,
      seed: 3,
      topologies: ['galera'],
      drills: ['split', 'kill-node'],
      logs: 'a/b',
      short: false,
      json: true,
    });
  });

  it('are by default all drills on all clusters for an hour, with a random seed', () => {
    const { seed, ...rest } = parseDrillsOptions([]);
    expect(rest).toMatchObject({ minutes: 60, topologies: STARTABLE, drills: DRILL_NAMES, short: false });
    expect(Number.isInteger(seed)).toBe(true);
  });

  it('exclude drills that may lose commits from a short session', () => {
    const { topologies } = parseDrillsOptions(['--short']);
    expect(topologies).toContain('galera');
    expect(topologies.filter((name) => name.includes('asynchronous'))).toEqual([]);
  });

  it.each([
    ['--minutes', 'long', 'a number from 0.01 to 10000, got "long"'],
    ['--seed', '-1', 'a whole number from 0 to 4294967295, got "-1"'],
    ['--topology', 'galera,oracle', 'galera'],
    ['--drill', 'earthquake', 'kill-node'],
    ['--colour', 'red', 'Unknown option'],
  ])('refuse %s %s and name what is expected', (option, value, expected) => {
    const parsing = (): unknown => parseDrillsOptions([`${option}=${value}`]);
    expect(parsing).toThrow(RunUsageError);
    expect(parsing).toThrow(expected);
    expect(parsing).toThrow('npm run test:clusters');
  });
});

describe('the table of drills', () => {
  const leftOut = (topology: Topology, isMultiWriter: boolean): string[] => {
    const fitting = fittingDrills(DRILL_NAMES, { topology, isMultiWriter });
    return DRILL_NAMES.filter((name) => !fitting.includes(name));
  };

  it('moves hosts between nodes only if all nodes take writes, and loses commits only with asynchronous replication', () => {
    expect(leftOut('galera', true)).toEqual(['lost-commits']);
    expect(leftOut('postgres-synchronous', false)).toEqual(['multi-writer', 'lagging-node', 'lost-commits']);
    expect(leftOut('postgres-asynchronous', false)).toEqual(['multi-writer', 'lagging-node']);
    expect(leftOut('mariadb-asynchronous', false)).toEqual(['multi-writer', 'lagging-node']);
  });

  it('has every short drill in the long session too, where it takes longer', () => {
    for (const name of Object.keys(SHORT) as (keyof typeof SHORT)[]) {
      expect(SHORT[name]!.seconds).toBeLessThan(DRILLS[name].seconds);
    }
  });
});
