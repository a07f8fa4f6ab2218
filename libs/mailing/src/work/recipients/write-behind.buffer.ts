import { endsWithin } from '../../model/values/deadline.js';
import { BackOff } from '../pacing/back-off.js';

/** Ids or addresses in one call of the host. */
export const MAX_IN_GROUP = 500;
/** Longest wait for a group to fill. */
export const GROUP_MS = 1_000;
/** Bound while the host's database is down, about 3 MB at worst; the oldest are dropped. */
export const MAX_KEPT = 10_000;
/** Longest wait of a run for a slow host. After one such wait it does not wait again until the host answers. */
const TIMEOUT_MS = 2_000;

/** How a group is passed to the host, and which events are reported. */
export interface WriteBehindTerms {
  /** @param at when the last entry of the group was noted; the others were noted at most `GROUP_MS` earlier. */
  write: (keys: string[], at: Date) => Promise<void>;
  failed: (facts: { error: unknown; count: number; retryInMs: number }) => void;
  dropped: (count: number) => void;
}

/**
 * Gathers ids or addresses and passes them to the host in groups: one call at a time, in order. A failed call is repeated with back-off. Nothing here
 * throws, and memory is bounded whatever the host does.
 */
export class WriteBehindBuffer {
  /** Noted and not written yet, the oldest first, with the time. */
  readonly #kept = new Map<string, number>();
  readonly #backOff = new BackOff(GROUP_MS, 60_000);
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | null = null;
  /** A caller has waited in vain for the current call. */
  #isSlow = false;
  #isFlushing = false;

  constructor(private readonly terms: WriteBehindTerms) {}

  /** When a key was noted, if it is not written yet. */
  notedAt(key: string): number | undefined {
    return this.#kept.get(key);
  }

  note(keys: string[]): void {
    if (keys.length === 0) return;
    const now = Date.now();
    for (const key of keys) {
      // Reinserted at the end, to keep the map in order of time.
      this.#kept.delete(key);
      this.#kept.set(key, now);
    }
    this.#dropOldest();
    if (this.#kept.size >= MAX_IN_GROUP && this.#backOff.remainingMs() === 0) void this.#start();
    else this.#startIn(GROUP_MS);
  }

  /** Resolves at once, unless the host is too slow: then the caller waits here for a while. */
  async room(): Promise<void> {
    if (this.#writing === null || this.#kept.size < MAX_KEPT / 2 || this.#isSlow) return;
    this.#isSlow = !(await endsWithin(this.#writing, TIMEOUT_MS));
  }

  /** Writes all that is kept; waits at most `timeoutMs`. Does nothing while an earlier wait for the current call was in vain. */
  async flush(timeoutMs = TIMEOUT_MS): Promise<void> {
    if (this.#isSlow || (this.#writing === null && this.#kept.size === 0)) return;
    this.#isFlushing = true;
    this.#isSlow = !(await endsWithin(this.#start(), timeoutMs));
  }

  /** The last flush. What the host has not accepted in time is dropped. */
  async close(timeoutMs: number): Promise<void> {
    // A flush that gave up on the current call must not keep the last one from waiting.
    this.#isSlow = false;
    await this.flush(timeoutMs);
    clearTimeout(this.#timer);
    if (this.#kept.size > 0) this.terms.dropped(this.#kept.size);
    this.#kept.clear();
  }

  #start(): Promise<void> {
    this.#writing ??= this.#writeDue();
    return this.#writing;
  }

  /** Writes group by group, until nothing more is due or a call fails. */
  async #writeDue(): Promise<void> {
    // Wait one turn, so that `#writing` is set first.
    await Promise.resolve();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    let nextInMs = this.#dueInMs();
    while (nextInMs === 0) nextInMs = (await this.#writeGroup()) ?? this.#dueInMs();
    this.#writing = null;
    this.#isFlushing = false;
    this.#isSlow = false;
    if (nextInMs !== null) this.#startIn(nextInMs);
  }

  /** @returns the delay before the next try if the call failed, else null. */
  async #writeGroup(): Promise<number | null> {
    const { keys, at } = this.#nextGroup();
    try {
      await this.terms.write(keys, new Date(at));
    } catch (error) {
      const retryInMs = Math.max(1, this.#backOff.fail());
      this.terms.failed({ error, count: this.#kept.size, retryInMs });
      return retryInMs;
    }
    this.#backOff.succeed();
    // A key that was noted again meanwhile stays for the next group.
    for (const key of keys) if ((this.#kept.get(key) ?? Infinity) <= at) this.#kept.delete(key);
    return null;
  }

  /** Null if nothing is kept. */
  #dueInMs(): number | null {
    const [oldest] = this.#kept.values();
    if (oldest === undefined) return null;
    if (this.#isFlushing || this.#kept.size >= MAX_IN_GROUP) return 0;
    // A clock that was set back must not prolong the wait.
    return Math.min(GROUP_MS, Math.max(0, oldest + GROUP_MS - Date.now()));
  }

  #nextGroup(): { keys: string[]; at: number } {
    const keys: string[] = [];
    let first = 0;
    let at = 0;
    for (const [key, notedAt] of this.#kept) {
      first ||= notedAt;
      if (keys.length === MAX_IN_GROUP || notedAt > first + GROUP_MS) break;
      keys.push(key);
      at = Math.max(at, notedAt);
    }
    return { keys, at };
  }

  /** The timer does not keep the process alive; an orderly stop flushes. */
  #startIn(ms: number): void {
    this.#timer ??= setTimeout(() => void this.#start(), ms).unref();
  }

  #dropOldest(): void {
    const count = this.#kept.size - MAX_KEPT;
    if (count <= 0) return;
    let left = count;
    for (const key of this.#kept.keys()) {
      if (left-- === 0) break;
      this.#kept.delete(key);
    }
    this.terms.dropped(count);
  }
}
