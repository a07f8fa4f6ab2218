import type { SqlPart } from './progress-row.js';
import { placeholders } from './placeholders.js';

/** Minimum length of a run that gets a range of its own. */
const MIN_RUN = 4;

/**
 * Condition on rows of one mailing: they have one of these idx. A run of consecutive idx becomes a range.
 *
 * Recipients are sent to nearly in the order of the list, so most of a thousand idx are in a few runs. The database then looks up the two ends of a
 * run instead of each idx.
 *
 * Each part names the mailing and the state, so that every planner treats it as a range of the primary key.
 *
 * @param rest what else must be true of each row.
 */
export function idxCondition(mailingId: string, indexes: readonly number[], rest: string): SqlPart {
  const conditions: string[] = [];
  const parameters: unknown[] = [];
  const single: number[] = [];
  for (const run of runsOf(indexes)) {
    if (run.to - run.from + 1 < MIN_RUN) {
      for (let idx = run.from; idx <= run.to; idx++) single.push(idx);
      continue;
    }
    conditions.push(`(mailing_id = ? AND idx BETWEEN ? AND ? AND ${rest})`);
    parameters.push(mailingId, run.from, run.to);
  }
  if (single.length > 0) {
    conditions.push(`(mailing_id = ? AND idx IN (${placeholders(single)}) AND ${rest})`);
    parameters.push(mailingId, ...single);
  }
  return { sql: conditions.join(' OR '), parameters };
}

function runsOf(indexes: readonly number[]): { from: number; to: number }[] {
  const runs: { from: number; to: number }[] = [];
  let last: { from: number; to: number } | undefined;
  for (const idx of indexes.toSorted((a, b) => a - b)) {
    if (last && idx === last.to + 1) last.to = idx;
    else runs.push((last = { from: idx, to: idx }));
  }
  return runs;
}
