import { describe, expect, it } from 'vitest';
import { RunUsageError } from '../../support/run-options.js';
import { INNODB_KINDS } from '../../support/databases/database-kinds.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { BATCH_THREADS } from '../processes/mail-servers.js';
import { parseRandomKillsOptions } from './random-kills.options.js';
import { isKept, randomKills } from './random-kills.session.js';

const ROUNDS = 2;
const RECIPIENTS = 300;

/** A fixed seed with six deaths in two rounds, among them one at start-up, one in a recovery, and one by SIGTERM. */
const SEED = 2151;

forEachDatabase('random kills', (database) => {
  it('break the promise in no round', { timeout: 90_000 }, async () => {
    const goOn = (rounds: number): boolean => rounds < ROUNDS;
    const report = await randomKills({ database, recipients: RECIPIENTS, seed: SEED, goOn });
    // Compared as a whole, so that a failure shows the complaints.
    expect(JSON.parse(JSON.stringify(report))).toEqual({
      rounds: ROUNDS,
      kills: expect.any(Number) as number,
      recipients: ROUNDS * RECIPIENTS,
      received: expect.any(Number) as number,
      duplicates: 0,
      missing: 0,
      inDoubt: expect.any(Number) as number,
      maxInDoubtPerKill: expect.any(Number) as number,
      bound: 5,
      seed: SEED,
      database,
      complaints: [],
    });
    expect(isKept(report)).toBe(true);
    expect(report.kills).toBeGreaterThan(0);
    expect(report.inDoubt).toBeLessThanOrEqual(report.kills * report.bound);
    expect(report.received + report.inDoubt).toBeGreaterThanOrEqual(report.recipients);
  });
});

const HOW: [string, object][] = [
  ['that speaks SMTP by itself', { bulkSmtp: true }],
  ['that speaks SMTP by itself without a journal', { bulkSmtp: true, journal: false }],
  ['without a journal, one of three servers', { journal: false, servers: 3 }],
];

describe.each(INNODB_KINDS.flatMap((database) => HOW.map(([what, how]) => [what, database, how] as const)))(
  'random kills of a process %s (%s)',
  (_what, database, how) => {
    it('break the promise in no round', { timeout: 120_000 }, async () => {
      const goOn = (rounds: number): boolean => rounds < 1;
      const { servers } = { servers: 1, ...how };
      const report = await randomKills({
        database,
        recipients: RECIPIENTS,
        ...how,
        seed: SEED,
        goOn,
      });
      expect(report.complaints).toEqual([]);
      expect(isKept(report)).toBe(true);
      expect(report.kills).toBeGreaterThan(0);
      expect(report.inDoubt).toBeLessThanOrEqual(
        report.kills * (servers > 1 ? BATCH_THREADS : 1) * report.bound,
      );
    });
  },
);

forEachDatabase('random kills of one of three servers', (database) => {
  it('F1 break the promise for no recipient in 100 batches', { timeout: 120_000 }, async () => {
    const goOn = (rounds: number): boolean => rounds < 1;
    const report = await randomKills({ database, recipients: 300, servers: 3, seed: SEED, goOn });
    expect(report.complaints).toEqual([]);
    expect(isKept(report)).toBe(true);
    expect(report.kills).toBeGreaterThan(0);
    expect(report.inDoubt).toBeLessThanOrEqual(report.kills * BATCH_THREADS * report.bound);
    expect(report.received + report.inDoubt).toBeGreaterThanOrEqual(report.recipients);
  });
});

describe('the command line of the random kills', () => {
  it('is parsed', () => {
    expect(
      parseRandomKillsOptions(['--minutes', '0.5', '--seed', '3', '--database', 'sqlite', '--json']),
    ).toEqual({
      minutes: 0.5,
      seed: 3,
      database: 'sqlite',
      recipients: 400,
      servers: 1,
      bulkSmtp: false,
      journal: true,
      json: true,
    });
    expect(parseRandomKillsOptions([])).toMatchObject({ minutes: 1, database: 'mariadb', json: false });
  });

  it.each([
    ['--minutes', '0'],
    ['--minutes', ''],
    ['--seed', '1.5'],
    ['--database', 'oracle'],
    ['--recipients', 'many'],
    ['--servers', '0'],
    ['--nonsense', '1'],
  ])('is refused with the name of the option for %s %s', (option, value) => {
    const parsing = (): unknown => parseRandomKillsOptions([option, value]);
    expect(parsing).toThrow(RunUsageError);
    expect(parsing).toThrow(option);
  });
});
