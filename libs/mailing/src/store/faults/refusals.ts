/** A refusal that goes on is told once; after so long without one it is news again. */
const QUIET_MS = 60_000;

/** What was refused by the connections of one data source, for health and events. */
export class Refusals<E extends Error> {
  readonly #listeners = new Set<(error: E) => void>();
  #last: { error: E; at: number } | null = null;

  /** @param isSame whether two are about the same fact, so that the second one is no news. */
  constructor(private readonly isSame: (one: E, other: E) => boolean) {}

  note(error: E): void {
    const recent = this.within(QUIET_MS);
    this.#last = { error, at: performance.now() };
    // A mailing tries many times a minute.
    if (recent && this.isSame(recent, error)) return;
    for (const listener of this.#listeners) listener(error);
  }

  /** The last refusal, if it was not longer ago than this. */
  within(ms: number): E | null {
    return this.#last && performance.now() - this.#last.at <= ms ? this.#last.error : null;
  }

  /** It is over: health has nothing to tell any more. */
  clear(): void {
    this.#last = null;
  }

  /** @returns what ends it. */
  onRefused(listener: (error: E) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
