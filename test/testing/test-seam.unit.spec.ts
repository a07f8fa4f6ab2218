import libsql from 'libsql';
import { setTestSeam } from 'nestjs-mailing';
import { DataSource } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { dialectOf } from '../../libs/mailing/src/store/connections/dialect.js';

const HOUR_MS = 3_600_000;

describe('the clock of a test in the dialect', () => {
  const sqlite = (): DataSource =>
    new DataSource({ type: 'better-sqlite3', driver: libsql, database: ':memory:' });
  const connection = new libsql(':memory:');
  /** Milliseconds from now, by SQLite. */
  const msFromNow = (expression: string, ...parameters: number[]): number => {
    const row = connection.prepare(`SELECT ${expression} AS at`).get(...parameters) as { at: string };
    return Date.parse(`${row.at.replace(' ', 'T')}Z`) - Date.now();
  };
  /** SQLite and `Date` are read one after the other. */
  const about = (ms: number): { min: number; max: number } => ({ min: ms - 1_000, max: ms + 1_000 });

  it('production has one dialect for all data sources, whose expressions are constant texts', () => {
    const dialect = dialectOf(sqlite());
    expect(dialectOf(sqlite())).toBe(dialect);
    const facts = Object.values(Object.getOwnPropertyDescriptors(dialect));
    expect(facts.filter((fact) => 'get' in fact)).toEqual([]);
    expect(dialect.now).toBe("strftime('%Y-%m-%d %H:%M:%f', 'now')");
  });

  it('is ahead by what the test says at the moment of each statement', () => {
    const dataSource = sqlite();
    let aheadMs = 0;
    setTestSeam(dataSource, {
      get aheadMs() {
        return aheadMs;
      },
      onStart: () => undefined,
    });
    const dialect = dialectOf(dataSource);
    const isAt = (found: number, ms: number): void => {
      const { min, max } = about(ms);
      expect(found).toBeGreaterThan(min);
      expect(found).toBeLessThan(max);
    };
    isAt(msFromNow(dialect.now), 0);
    aheadMs = 2 * HOUR_MS;
    isAt(msFromNow(dialect.now), 2 * HOUR_MS);
    isAt(msFromNow(dialect.inMs, HOUR_MS), 3 * HOUR_MS);
    isAt(msFromNow(dialect.agoMs, HOUR_MS), HOUR_MS);
    expect(dialect.bind('?', [])).toEqual(dialectOf(sqlite()).bind('?', []));
  });
});
