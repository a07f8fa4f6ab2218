import type { Commit } from '../../model/ports/ledger.js';
import type { RunOptions } from '../../model/options/run-options.js';
import type { Deferral, Outcome } from '../../model/states/outcome.js';
import type { RunJournal } from '../../model/ports/run-journal.js';

/** An outcome waits at most this long for others before it is committed. */
export const LINGER_MS = 50;

/** A commit for fewer outcomes costs more in statements than it saves in time. */
const MIN_PER_COMMIT = 20;

/** Results since the last commit was built. In the database their recipients are still in flight. */
export class OutcomeBuffer {
  #outcomes: Outcome[] = [];
  #deferred: Deferral[] = [];
  #returned: number[] = [];
  #oldestAt = 0;

  readonly #fullAt: number;

  /** @param journal gets each result at once; null: no journal. */
  constructor(
    private readonly journal: RunJournal | null,
    { concurrency, maxInDoubt }: Pick<Required<RunOptions>, 'concurrency' | 'maxInDoubt'>,
  ) {
    // Recipients marked beyond `concurrency` keep messages going while a commit is written. A commit is due when 40 % of them have results.
    const share = Math.floor(0.4 * (maxInDoubt - concurrency));
    this.#fullAt = Math.max(share, Math.min(concurrency, MIN_PER_COMMIT));
  }

  settle(outcome: Outcome): void {
    this.#note();
    this.#outcomes.push(outcome);
    this.journal?.settle(outcome);
  }

  defer(deferral: Deferral): void {
    this.#note();
    this.#deferred.push(deferral);
    this.journal?.defer(deferral);
  }

  /** Returns recipients without a hand-over; committed without lingering. */
  handBack(indexes: number[]): void {
    this.#returned.push(...indexes);
    this.journal?.handBack(indexes);
  }

  get outcomes(): readonly Outcome[] {
    return this.#outcomes;
  }

  get deferred(): readonly Deferral[] {
    return this.#deferred;
  }

  /** Number of outcomes and deferrals. */
  get count(): number {
    return this.#outcomes.length + this.#deferred.length;
  }

  /** There are enough results for a commit. */
  get isFull(): boolean {
    return this.count >= this.#fullAt;
  }

  get numReturned(): number {
    return this.#returned.length;
  }

  /** The oldest result has waited long enough. */
  get hasLingered(): boolean {
    return this.count > 0 && performance.now() - this.#oldestAt >= LINGER_MS;
  }

  /** Removes and returns all results, for the next commit. */
  take(): Pick<Commit, 'outcomes' | 'deferred' | 'returned'> {
    const news = { outcomes: this.#outcomes, deferred: this.#deferred, returned: this.#returned };
    this.#outcomes = [];
    this.#deferred = [];
    this.#returned = [];
    this.journal?.nextCommit();
    return news;
  }

  #note(): void {
    if (this.count === 0) this.#oldestAt = performance.now();
  }
}
