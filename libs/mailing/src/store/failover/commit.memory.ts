import { incarnationOf } from '../../model/states/claim-token.js';
import type { Slice } from '../../model/states/slice.js';
import { type RememberedCommit, SliceMemory } from './slice.memory.js';

export interface CommitMemoryOptions {
  /** How long commits are remembered, in milliseconds; 0: not at all. */
  memoryMs: number;
  /** How long a progress row may show a lower commit number before the database counts as rewound, in milliseconds. */
  lagTimeoutMs: number;
}

/**
 * Maximum size of the memory over all slices, in numbers of at most 8 bytes each. A range of recipients takes two; an error takes `SIZE_OF_OUTCOME`
 * and its text. A list that is sent in order takes a few hundred numbers a minute, so only bursts of errors come near this bound.
 */
const MAX_SIZE = 1_000_000;

/**
 * What this process has lately committed to one database, by slice.
 *
 * A database that fails over by asynchronous replication may forget commits. Only the process that made them still knows the outcomes of their
 * recipients. With this memory it writes them again, so that these recipients are not sent to twice (`restoreCommits`).
 *
 * - Invariant: all commits of a slice after `SliceMemory.since` are remembered.
 * - Memory is constant: commits older than `memoryMs` are dropped, and the oldest ones earlier if there are too many. A commit is dropped for its age
 *   only after the database has shown the slice at that number or a higher one again, so an outage of the database drops nothing.
 */
export class CommitMemory {
  /** Ordered by the time of their last commit. */
  readonly #slices = new Map<string, SliceMemory>();
  /**
   * How many runs of this process each slice has; a run checks the number with each of its commits. A run that lost its claim may end after the next
   * one began.
   */
  readonly #running = new Map<string, number>();
  /** Incarnations of this process: its claim tokens begin with them. */
  readonly #incarnations = new Set<string>();
  readonly #listeners = new Set<() => void>();
  #size = 0;

  constructor(readonly options: CommitMemoryOptions) {}

  of(slice: Slice): SliceMemory | null {
    return this.#slices.get(keyOf(slice)) ?? null;
  }

  /** Slices without a run in this process, ordered by the time of their last commit. */
  idle(): SliceMemory[] {
    return [...this.#slices].flatMap(([key, memory]) => (this.#running.has(key) ? [] : memory));
  }

  /** Slices of which something is remembered. */
  all(): SliceMemory[] {
    return [...this.#slices.values()];
  }

  beginRun(slice: Slice): void {
    const key = keyOf(slice);
    this.#running.set(key, (this.#running.get(key) ?? 0) + 1);
  }

  /**
   * - `recorded`: all outcomes that the run knows are committed or noted here.
   * - `rewound`: the same, and the database has shown a lower number for `lagTimeoutMs`.
   * - `unrecorded`: the run knows outcomes that are neither committed nor noted.
   */
  endRun(slice: Slice, end: 'recorded' | 'rewound' | 'unrecorded'): void {
    const key = keyOf(slice);
    const others = (this.#running.get(key) ?? 1) - 1;
    if (others === 0) this.#running.delete(key);
    else this.#running.set(key, others);
    const memory = this.of(slice);
    if (end === 'unrecorded') memory?.noteUnrecorded();
    if (end !== 'rewound' || !memory) return;
    memory.isRewound = true;
    for (const listener of this.#listeners) listener();
  }

  /** Whether this process created the token. */
  isOwn(claimToken: string): boolean {
    return this.#incarnations.has(incarnationOf(claimToken));
  }

  /** @param listener called when a run has ended because the database was rewound. */
  onRewound(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Notes a claim, which counts as a commit too. What happened to the slice before it stays in the memory only if this process made all of it.
   *
   * @param isRecovery the claim has recorded recipients of a dead run as in doubt, which is not remembered.
   */
  noteClaim(
    { claimToken, highWaterIdx, ...slice }: Slice & { claimToken: string; highWaterIdx: number },
    number: number,
    isRecovery: boolean,
  ): void {
    if (this.options.memoryMs === 0) return;
    const memory = this.#claimed(slice, number, isRecovery);
    memory.claimToken = claimToken;
    memory.noteHigh(highWaterIdx);
    this.#incarnations.add(incarnationOf(claimToken));
  }

  #claimed({ mailingId, batch }: Slice, number: number, isRecovery: boolean): SliceMemory {
    const slice = { mailingId, batch };
    const memory = this.of(slice);
    if (memory?.number === number) return memory;
    if (memory && !isRecovery && memory.number === number - 1) {
      memory.skipTo(number);
      return memory;
    }
    if (memory) this.forget(memory);
    const begun = new SliceMemory(slice, isRecovery ? number : number - 1);
    begun.skipTo(number);
    this.#slices.set(keyOf(slice), begun);
    return begun;
  }

  /** Remembers a commit, or, under the next number, outcomes that are known and could not be committed. */
  note(slice: Slice, commit: RememberedCommit): void {
    if (this.options.memoryMs === 0) return;
    const key = keyOf(slice);
    const memory = this.#slices.get(key) ?? new SliceMemory(slice, commit.number - 1);
    this.#slices.delete(key);
    this.#slices.set(key, memory);
    this.#size += memory.add(commit);
    // Outcomes that could not be committed do not prove that the commits before them are still there.
    if (commit.isCommitted) this.#size -= memory.forgetBefore(commit.at - this.options.memoryMs);
    if (this.#size > MAX_SIZE) this.#shrink();
  }

  /** The progress row was seen at the last remembered number or a higher one. */
  confirm(memory: SliceMemory): void {
    memory.isRewound = false;
    memory.behindSince = null;
    this.#size -= memory.forgetBefore(performance.now() - this.options.memoryMs);
    if (memory.size === 0) this.#slices.delete(keyOf(memory.slice));
  }

  /** Drops a slice: its progress row is gone, or nothing is to be restored. */
  forget(memory: SliceMemory): void {
    this.#size -= memory.size;
    this.#slices.delete(keyOf(memory.slice));
  }

  #shrink(): void {
    for (const memory of this.#slices.values()) {
      this.#size -= memory.forgetOldest(this.#size - MAX_SIZE);
      if (this.#size <= MAX_SIZE) return;
    }
  }
}

function keyOf({ mailingId, batch }: Slice): string {
  return batch ? `${mailingId}#${batch.startIdx}` : mailingId;
}
