/** A refusal that goes on is reported once; after so long without one it is reported again. */
const QUIET_MS = 60_000;

/** Refusals on the connections of one data source, for health and events. */
export class Refusals<E extends Error> {
  readonly #listeners = new Set<(error: E) => void>();
  #last: { error: E; at: number } | null = null;

  /** @param isSame whether two refusals are about the same fact, so that the second one is not reported. */
  constructor(private readonly isSame: (one: E, other: E) => boolean) {}

  note(error: E): void {
    const recent = this.within(QUIET_MS);
    this.#last = { error, at: performance.now() };
    // A mailing tries many times a minute.
    if (recent && this.isSame(recent, error)) return;
    for (const listener of this.#listeners) listener(error);
  }

  /** The last refusal, if it is at most `ms` old. */
  within(ms: number): E | null {
    return this.#last && performance.now() - this.#last.at <= ms ? this.#last.error : null;
  }

  /** The refusal is over: health reports nothing any more. */
  clear(): void {
    this.#last = null;
  }

  /** @returns a function that removes the listener. */
  onRefused(listener: (error: E) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
