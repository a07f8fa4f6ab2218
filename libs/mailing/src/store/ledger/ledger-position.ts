import type { Commit } from '../../model/ports/ledger.js';
import type { HeldClaim } from './held-claim.js';
import type { Intent } from './move-intent.js';
import type { OpenRecipient } from '../recipients/open-recipient.js';
import { isDrained, NOTHING_READ, type Prefetch } from './prefetch.js';

/** The position of a ledger in its slice. Immutable: a commit makes the next one, which is valid once the commit is committed. */
export interface LedgerPosition {
  commitSeq: number;
  /** As `next_idx` in the progress row: every recipient before it was begun. */
  nextIdx: number;
  /** As `high_water_idx`: no recipient from it on was ever in flight. */
  highWaterIdx: number;
  /** Recipients in flight, by idx. At most `maxInDoubt`. */
  open: ReadonlyMap<number, OpenRecipient>;
  ahead: Prefetch;
  /** By the monotonic clock: when to look for deferred recipients again. They are also looked for when the list is exhausted. */
  lookForDueAt: number;
}

/** The position at the beginning of a claim. */
export function positionOf({ commitSeq, nextIdx, highWaterIdx }: HeldClaim): LedgerPosition {
  return { commitSeq, nextIdx, highWaterIdx, open: new Map(), ahead: NOTHING_READ, lookForDueAt: 0 };
}

/**
 * The position after the outcomes, deferrals and returns of a commit.
 *
 * @param openBefore recipients that were in flight before, with the status that their rows have by then.
 */
export function afterCommit(
  before: LedgerPosition,
  openBefore: LedgerPosition['open'],
  commit: Commit,
): LedgerPosition {
  const open = new Map(openBefore);
  const firsts = commit.returned.filter((idx) => open.get(idx)?.isRetry === false);
  for (const { idx } of [...commit.outcomes, ...commit.deferred]) open.delete(idx);
  for (const idx of commit.returned) open.delete(idx);
  const soonest = lowest(
    firsts.length < commit.returned.length ? 0 : Number.POSITIVE_INFINITY,
    commit.deferred.map((one) => one.delayMs),
  );
  return {
    commitSeq: before.commitSeq + 1,
    nextIdx: lowest(before.nextIdx, firsts),
    highWaterIdx: before.highWaterIdx,
    open,
    ahead: firsts.length > 0 ? NOTHING_READ : before.ahead,
    lookForDueAt: Math.min(before.lookForDueAt, performance.now() + soonest),
  };
}

/** The same recipients, with the row status `sending`. */
export function asSending(open: LedgerPosition['open']): LedgerPosition['open'] {
  return new Map([...open].map(([idx, recipient]) => [idx, { ...recipient, rowStatus: 'sending' }]));
}

/**
 * The intent after this commit, if no recipient is due for another attempt and the unread part of the list has no gaps. The fence writes it, so the
 * usual case needs no further statement.
 */
export function expectedIntent({ batch }: HeldClaim, position: LedgerPosition, commit: Commit): Intent {
  if (commit.capacity === 0 || commit.release) return position;
  const { ahead, nextIdx } = position;
  const { rows } = ahead;
  const unread = isDrained(ahead) ? 0 : Math.max(commit.capacity - rows.length, 0);
  const last = rows[Math.min(commit.capacity, rows.length) - 1]?.idx ?? nextIdx - 1;
  const end = batch?.endIdx ?? Number.POSITIVE_INFINITY;
  return intentAt(position, Math.min(last + 1 + unread, end));
}

/** The intent once every recipient before `nextIdx` is begun. */
export function intentAt({ highWaterIdx }: LedgerPosition, nextIdx: number): Intent {
  return { nextIdx, highWaterIdx: Math.max(highWaterIdx, nextIdx) };
}

/** `low_water_idx`: every recipient before it is settled, deferred or at a further attempt. Recipients at a further attempt do not hold it back. */
export function lowWaterIdxOf({ nextIdx, open }: LedgerPosition): number {
  let first = nextIdx;
  for (const [idx, { isRetry }] of open) if (!isRetry && idx < first) first = idx;
  return first;
}

/** `Math.min` with a spread fails from about 100,000 values on. */
function lowest(start: number, others: Iterable<number>): number {
  let low = start;
  for (const one of others) if (one < low) low = one;
  return low;
}
