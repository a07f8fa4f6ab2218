import type { Slice } from '../../model/states/slice.js';
import { type RememberedCommit, SliceMemory } from './slice.memory.js';

export interface CommitMemoryOptions {
  /** How far back it reaches, in milliseconds; 0: nothing is remembered. */
  memoryMs: number;
  /** So long a progress row may show an older number before the database counts as gone back, in milliseconds. */
  lagTimeoutMs: number;
}

/**
 * Numbers of all that is remembered, over all slices, of 8 bytes each at most: a range of recipients takes two, an error some more and its
 * text. A list that is sent in order takes a few hundred numbers a minute, so only bursts of errors come near it.
 */
const MAX_SIZE = 1_000_000;

/**
 * What this process has committed lately to one database, by slice.
 *
 * A database that fails over by asynchronous replication may forget commits. Only the process that made them still knows what
 * became of their recipients, so it keeps them from being sent to again (`restoreCommits`).
 *
 * - Invariant: of a slice, all commits after `SliceMemory.since` are remembered.
 * - Memory is constant: commits older than `memoryMs` are forgotten, and the oldest ones earlier where there are too many. A commit is
 *   forgotten only after its slice was seen at that number or a later one again, so an outage of the database takes nothing away.
 */
export class CommitMemory {
  /** In the order of their last commit. */
  readonly #slices = new Map<string, SliceMemory>();
  /** Runs of this process by slice, which look at the number with each of their commits. One that lost its claim may end after the next began. */
  readonly #running = new Map<string, number>();
  /** Beginnings of the claim tokens of this process. */
  readonly #incarnations = new Set<string>();
  readonly #listeners = new Set<() => void>();
  #size = 0;

  constructor(readonly options: CommitMemoryOptions) {}

  of(slice: Slice): SliceMemory | null {
    return this.#slices.get(keyOf(slice)) ?? null;
  }

  /** Slices without a run in this process, in the order of their last commits. */
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
   * - `recorded`: all that the run knows is committed or noted.
   * - `rewound`: the same, and the database has shown an older number for `lagTimeoutMs`.
   * - `unrecorded`: it knows more.
   */
  endRun(slice: Slice, end: 'recorded' | 'rewound' | 'unrecorded'): void {
    const key = keyOf(slice);
    const others = (this.#running.get(key) ?? 1) - 1;
    if (others === 0) this.#running.delete(key);
    else this.#running.set(key, others);
    const memory = this.of(slice);
    if (end === 'unrecorded') memory?.noteUnrecorded();
    if (end !== 'rewound' || !memory) return;
    memory.isGoneBack = true;
    for (const listener of this.#listeners) listener();
  }

  /** Whether this process has drawn the token. */
  isOwn(claimToken: string): boolean {
    return this.#incarnations.has(incarnationOf(claimToken));
  }

  /** @param listener told when a run has ended because the database rewound. */
  onGoneBack(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /**
   * A claim counts as a commit, too. What happened to a slice before it belongs to the memory only if this process has made all of it.
   *
   * @param isRecovery it has recorded doubt about recipients of a run that is gone, which is not remembered.
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

  /** Remembers what was committed, or, under the next number, what is known and could not be. */
  note(slice: Slice, commit: RememberedCommit): void {
    if (this.options.memoryMs === 0) return;
    const key = keyOf(slice);
    const memory = this.#slices.get(key) ?? new SliceMemory(slice, commit.number - 1);
    this.#slices.delete(key);
    this.#slices.set(key, memory);
    this.#size += memory.add(commit);
    // What can't be committed proves nothing about the commits before.
    if (commit.isCommitted) this.#size -= memory.forgetBefore(commit.at - this.options.memoryMs);
    if (this.#size > MAX_SIZE) this.#shrink();
  }

  /** The slice was seen at its last number or a later one. */
  confirm(memory: SliceMemory): void {
    memory.isGoneBack = false;
    memory.behindSince = null;
    this.#size -= memory.forgetBefore(performance.now() - this.options.memoryMs);
    if (memory.size === 0) this.#slices.delete(keyOf(memory.slice));
  }

  /** Its progress row is gone, and nothing can be restored. */
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

function incarnationOf(claimToken: string): string {
  return claimToken.slice(0, claimToken.indexOf('#'));
}

function keyOf({ mailingId, batch }: Slice): string {
  return batch ? `${mailingId}#${batch.startIdx}` : mailingId;
}
