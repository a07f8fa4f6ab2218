import type { DataSource } from 'typeorm';
import type { UnsafeConnectionError } from '../model/database-setting.errors.js';

/** A refusal that goes on is told once; after so long without one it is news again. */
const QUIET_MS = 60_000;

const known = new WeakMap<DataSource, UnsafeConnections>();

/** What was refused on the connections of one data source, for health and events. */
export class UnsafeConnections {
  readonly #listeners = new Set<(error: UnsafeConnectionError) => void>();
  #last: { error: UnsafeConnectionError; at: number } | null = null;

  /** One for each data source, whatever uses it. */
  static of(dataSource: DataSource): UnsafeConnections {
    let found = known.get(dataSource);
    if (!found) known.set(dataSource, (found = new UnsafeConnections()));
    return found;
  }

  note(error: UnsafeConnectionError): void {
    const isNews = this.within(QUIET_MS)?.setting !== error.setting;
    this.#last = { error, at: performance.now() };
    // A mailing tries many times a minute.
    if (isNews) for (const listener of this.#listeners) listener(error);
  }

  /** The last refusal, if it was not longer ago than this. */
  within(ms: number): UnsafeConnectionError | null {
    return this.#last && performance.now() - this.#last.at <= ms ? this.#last.error : null;
  }

  /** @returns what ends it. */
  onRefused(listener: (error: UnsafeConnectionError) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
