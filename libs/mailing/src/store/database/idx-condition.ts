import type { SqlPart } from './progress-row.js';
import { rangesOf } from '../failover/idx-ranges.js';
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
  const runs = rangesOf(indexes);
  for (let at = 0; at < runs.length; at += 2) {
    const [from, to] = [runs[at], runs[at + 1]];
    if (to - from + 1 < MIN_RUN) {
      for (let idx = from; idx <= to; idx++) single.push(idx);
      continue;
    }
    conditions.push(`(mailing_id = ? AND idx BETWEEN ? AND ? AND ${rest})`);
    parameters.push(mailingId, from, to);
  }
  if (single.length > 0) {
    conditions.push(`(mailing_id = ? AND idx IN (${placeholders(single)}) AND ${rest})`);
    parameters.push(mailingId, ...single);
  }
  return { sql: conditions.join(' OR '), parameters };
}
