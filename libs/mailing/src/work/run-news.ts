import type { Beat } from '../model/ledger.js';
import type { Deferral, Outcome } from '../model/outcome.js';

/** An answer waits at most this long for company before a beat is made for it alone. */
export const LINGER_MS = 50;

/** What became of recipients since the last beat was put together: all of it is still `sending` in the books. */
export class RunNews {
  #outcomes: Outcome[] = [];
  #deferred: Deferral[] = [];
  #returned: number[] = [];
  #oldestAt = 0;

  settle(outcome: Outcome): void {
    this.#note();
    this.#outcomes.push(outcome);
  }

  defer(deferral: Deferral): void {
    this.#note();
    this.#deferred.push(deferral);
  }

  /** Nothing was handed over; written without lingering. */
  handBack(indexes: number[]): void {
    this.#returned.push(...indexes);
  }

  /** Outcomes and deferrals. */
  get count(): number {
    return this.#outcomes.length + this.#deferred.length;
  }

  get numReturned(): number {
    return this.#returned.length;
  }

  /** Nothing more is waited for. */
  get hasLingered(): boolean {
    return this.count > 0 && performance.now() - this.#oldestAt >= LINGER_MS;
  }

  /** All of it, for the next beat. */
  take(): Pick<Beat, 'outcomes' | 'deferred' | 'returned'> {
    const news = { outcomes: this.#outcomes, deferred: this.#deferred, returned: this.#returned };
    this.#outcomes = [];
    this.#deferred = [];
    this.#returned = [];
    return news;
  }

  #note(): void {
    if (this.count === 0) this.#oldestAt = performance.now();
  }
}
