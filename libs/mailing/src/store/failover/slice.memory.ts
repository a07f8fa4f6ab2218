import { cutText } from '../../model/values/bounded-text.js';
import { type Deferral, MAX_ERROR_TEXT, type Outcome } from '../../model/states/outcome.js';
import type { Slice } from '../../model/states/slice.js';
import type { KnownOutcomes } from './known-outcomes.js';
import { isWithin, mergedRanges, rangesOf } from './idx-ranges.js';

/** What one commit recorded. */
export interface RememberedCommit {
  number: number;
  /** False for outcomes that are known and could not be committed any more. */
  isCommitted: boolean;
  /** By `performance.now()`. */
  at: number;
  outcomes: readonly Outcome[];
  deferred: readonly Deferral[];
  /** Recipients of this commit that were at a further attempt, including those handed back. */
  retried: readonly number[];
  /** High watermark of the progress row after this commit. */
  highWaterIdx: number;
}

/** A commit in compact form: most recipients are sent, and their idx are consecutive. */
interface Entry {
  number: number;
  at: number;
  /** First and last idx of each range, ascending. */
  sent: Int32Array;
  others: readonly Outcome[];
  deferred: readonly Deferral[];
  retried: Int32Array;
  size: number;
}

/** Size of an error or a deferral without its text, in numbers. */
const SIZE_OF_OUTCOME = 32;
const CHARACTERS_PER_NUMBER = 4;
const SIZE_OF_ENTRY = 16;

/** What this process has lately committed for one slice. */
export class SliceMemory {
  #entries: Entry[] = [];
  #number: number;
  #committed: number;
  #highWaterIdx = 0;
  #size = 0;
  #isForked = false;
  /** Since when the database has shown a lower number, by `performance.now()`; null: it does not. */
  behindSince: number | null = null;
  /** Token of the last claim of this process on the slice. */
  claimToken: string | null = null;
  /** A run has already waited for the database for `lagTimeoutMs`. */
  isRewound = false;

  /** @param since all commits after this number are remembered. */
  constructor(
    readonly slice: Slice,
    private since: number,
  ) {
    this.#number = since;
    this.#committed = since;
  }

  /** Number of the last entry, committed or not. */
  get number(): number {
    return this.#number;
  }

  /** Number of the last commit. */
  get committed(): number {
    return this.#committed;
  }

  /** No recipient from this idx on was ever in flight. */
  get highWaterIdx(): number {
    return this.#highWaterIdx;
  }

  get size(): number {
    return this.#size;
  }

  /** @param highWaterIdx the high watermark that a claim has found. */
  noteHigh(highWaterIdx: number): void {
    this.#highWaterIdx = Math.max(this.#highWaterIdx, highWaterIdx);
  }

  /**
   * The progress row shows a claim of another process, which has continued from an older state. Its commits have numbers that this process used too.
   */
  noteFork(): void {
    this.#isForked = true;
  }

  /** A run has ended without recording all outcomes that it knows. */
  noteUnrecorded(): void {
    this.since = this.#number;
  }

  /** @returns by how much it has grown. */
  add({ number, isCommitted, at, outcomes, deferred, retried, highWaterIdx }: RememberedCommit): number {
    const sent = rangesOf(outcomes.filter(({ status }) => status === 'sent').map(({ idx }) => idx));
    // Without fields that only the message needed, and without what no column stores.
    const others = outcomes
      .filter(({ status }) => status !== 'sent')
      .map(({ idx, status, code, text }) => ({ idx, status, code, text: text && textOf(text) }));
    const deferrals = deferred.map((one) => ({ ...one, text: textOf(one.text) }));
    const size = SIZE_OF_ENTRY + sent.length + retried.length + sizeOf(others) + sizeOf(deferrals);
    this.#entries.push({
      number,
      at,
      sent,
      others,
      deferred: deferrals,
      retried: Int32Array.from(retried),
      size,
    });
    this.#number = number;
    if (isCommitted) this.#committed = number;
    this.noteHigh(highWaterIdx);
    this.#size += size;
    return size;
  }

  /** @returns by how much it has shrunk. */
  forgetBefore(moment: number): number {
    const kept = this.#entries.findIndex(({ at }) => at >= moment);
    return this.#drop(kept < 0 ? this.#entries.length : kept);
  }

  /** Drops the oldest entries until at least `size` is freed or none is left. @returns by how much it has shrunk. */
  forgetOldest(size: number): number {
    let dropped = 0;
    let count = 0;
    while (dropped < size && count < this.#entries.length) dropped += this.#entries[count++].size;
    return this.#drop(count);
  }

  /** The number has grown, and no outcome was recorded that is not remembered. */
  skipTo(number: number): void {
    this.#number = number;
    this.#committed = number;
    if (this.#isForked) this.since = number;
    this.#isForked = false;
  }

  /**
   * Outcomes of the recipients of all commits after this number; after a fork, of all commits.
   *
   * A recipient that was sent to counts as sent whatever the number: the row may belong to another history than this memory.
   */
  after(number: number): Restorable {
    const lost = this.#isForked ? this.#entries : this.#entries.filter((entry) => entry.number > number);
    const isWhole = !this.#isForked && this.since <= number;
    const sent = mergedRanges(this.#entries.map((entry) => entry.sent));
    const outcomes = new Map(lost.flatMap(({ others }) => others).map((one) => [one.idx, one]));
    const deferrals = new Map<number, Deferral>();
    for (const { deferred, at } of lost) {
      const elapsedMs = performance.now() - at;
      for (const one of deferred)
        deferrals.set(one.idx, { ...one, delayMs: Math.max(0, one.delayMs - elapsedMs) });
    }
    const outcomeOf = (idx: number): Outcome | undefined =>
      isWithin(sent, idx) ? { idx, status: 'sent', code: null, text: null } : outcomes.get(idx);
    return {
      isWhole,
      retried: [...new Set(lost.flatMap(({ retried }) => [...retried]))],
      knownOutcomes: {
        outcomeOf,
        deferralOf: (idx) => (outcomeOf(idx) ? undefined : deferrals.get(idx)),
        // If all commits are remembered, a recipient without an outcome was handed back. Otherwise its outcome may be in a commit that was dropped.
        isBegun: () => !isWhole,
      },
    };
  }

  #drop(count: number): number {
    if (count === 0) return 0;
    const dropped = this.#entries.slice(0, count);
    this.#entries = this.#entries.slice(count);
    this.since = dropped[dropped.length - 1].number;
    const size = dropped.reduce((sum, one) => sum + one.size, 0);
    this.#size -= size;
    return size;
  }
}

/** What can be restored. */
export interface Restorable {
  /** All commits are remembered: a recipient that is not named was never handed over. */
  isWhole: boolean;
  /** Recipients that were at a further attempt. */
  retried: readonly number[];
  knownOutcomes: KnownOutcomes;
}

function textOf(text: string): string {
  return cutText(text, MAX_ERROR_TEXT);
}

function sizeOf(ends: readonly { text: string | null }[]): number {
  return ends.reduce(
    (size, { text }) => size + SIZE_OF_OUTCOME + Math.ceil((text ?? '').length / CHARACTERS_PER_NUMBER),
    0,
  );
}
