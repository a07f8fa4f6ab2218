import type { ReasonCount } from './mailing-overview.js';

/** Max number of reasons in a summary. */
const MAX_REASONS = 5;

const UNSENT: readonly string[] = ['error', 'in_doubt', 'skipped'];

/** The most frequent reasons why recipients were not sent to. */
export function topReasons(reasons: readonly ReasonCount[]): ReasonCount[] {
  const unsent = reasons.filter(({ status }) => UNSENT.includes(status));
  return unsent.toSorted((a, b) => b.count - a.count).slice(0, MAX_REASONS);
}
