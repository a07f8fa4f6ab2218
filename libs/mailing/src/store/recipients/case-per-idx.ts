import type { SqlPart } from '../database/progress-row.js';

/** Maximum length of `error_code`. */
export const MAX_CODE = 64;

/** Expression with a value of its own for each row, so that one statement writes many. @param then SQL of one value. */
export function casePerIdx<T extends { idx: number }>(
  rows: readonly T[],
  value: (row: T) => unknown,
  then = '?',
): SqlPart {
  return {
    sql: `CASE idx ${rows.map(() => `WHEN ? THEN ${then}`).join(' ')} END`,
    parameters: rows.flatMap((row) => [row.idx, value(row)]),
  };
}
