import { setTimeout as delay } from 'node:timers/promises';
import { BackOff } from '../pacing/back-off.js';

/** Ids or addresses of one call to the host. */
export const MAX_IN_GROUP = 500;
/** Nobody waits longer for company. */
export const GROUP_MS = 1_000;
/** While the host's database is down no more are kept, about 3 MB at worst; the oldest go first. */
export const MAX_KEPT = 10_000;
/** A run waits so long at most for a host that does not keep up, and then no more until it answers. */
const TIMEOUT_MS = 2_000;

/** How a group is handed to the host, and what is told of it. */
export interface WriteBehindTerms {
  /** @param at when the last one of the group was noted; none of them was noted more than `GROUP_MS` before. */
  write: (keys: string[], at: Date) => Promise<void>;
  failed: (facts: { error: unknown; count: number; retryInMs: number }) => void;
  dropped: (count: number) => void;
}

/**
 * Gathers ids or addresses and hands them to the host in groups: one call at a time, in order, again with back-off where it
 * fails. Nothing here throws, and what is kept is bounded whatever the host does.
 */
export class WriteBehindBuffer {
  /** Noted and not written, the oldest first, with the time. */
  readonly #kept = new Map<string, number>();
  readonly #backOff = new BackOff(GROUP_MS, 60_000);
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | null = null;
  /** Somebody has waited for the call under way in vain. */
  #isSlow = false;
  #isFlushing = false;

  constructor(private readonly terms: WriteBehindTerms) {}

  /** When this one was noted, if it is not written yet. */
  notedAt(key: string): number | undefined {
    return this.#kept.get(key);
  }

  note(keys: string[]): void {
    if (keys.length === 0) return;
    const now = Date.now();
    for (const key of keys) {
      // Behind all others: the order is that of time.
      this.#kept.delete(key);
      this.#kept.set(key, now);
    }
    this.#dropOldest();
    if (this.#kept.size >= MAX_IN_GROUP && this.#backOff.remainingMs() === 0) void this.#start();
    else this.#startIn(GROUP_MS);
  }

  /** Resolves at once, unless the host does not keep up: who notes more waits here, for a while. */
  async room(): Promise<void> {
    if (this.#writing === null || this.#kept.size < MAX_KEPT / 2 || this.#isSlow) return;
    this.#isSlow = !(await within(TIMEOUT_MS, this.#writing));
  }

  /** Writes all that is kept, if the host takes it; waits for it so long at most. */
  async flush(timeoutMs = TIMEOUT_MS): Promise<void> {
    if (this.#isSlow || (this.#writing === null && this.#kept.size === 0)) return;
    this.#isFlushing = true;
    this.#isSlow = !(await within(timeoutMs, this.#start()));
  }

  /** The last flush; what the host has not taken by then is given up. */
  async close(timeoutMs: number): Promise<void> {
    await this.flush(timeoutMs);
    clearTimeout(this.#timer);
    if (this.#kept.size > 0) this.terms.dropped(this.#kept.size);
    this.#kept.clear();
  }

  #start(): Promise<void> {
    this.#writing ??= this.#writeDue();
    return this.#writing;
  }

  /** Group by group, until nothing more is due or one fails. */
  async #writeDue(): Promise<void> {
    // Not before it is known that somebody writes.
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

  /** @returns when to try again if it failed, else null. */
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
    // Whoever was noted again meanwhile stays for the next group.
    for (const key of keys) if ((this.#kept.get(key) ?? Infinity) <= at) this.#kept.delete(key);
    return null;
  }

  /** Null while there is nothing. */
  #dueInMs(): number | null {
    const [oldest] = this.#kept.values();
    if (oldest === undefined) return null;
    if (this.#isFlushing || this.#kept.size >= MAX_IN_GROUP) return 0;
    // A clock that was set back makes nobody wait longer.
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

  /** A process that has nothing else to do may end; an orderly stop flushes. */
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

/** @returns false if it did not end in time. */
async function within(timeoutMs: number, ending: Promise<void>): Promise<boolean> {
  const timer = new AbortController();
  const timeout = delay(timeoutMs, false, { signal: timer.signal }).catch(() => false);
  const ended = await Promise.race([ending.then(() => true), timeout]);
  timer.abort();
  return ended;
}
