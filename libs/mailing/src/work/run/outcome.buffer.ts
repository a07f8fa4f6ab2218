import type { Commit } from '../../model/ports/ledger.js';
import type { RunOptions } from '../../model/options/mailing-options.js';
import type { Deferral, Outcome } from '../../model/states/outcome.js';
import type { RunJournal } from '../../model/ports/run-journal.js';

/** An answer waits at most this long for company before a commit is made for it alone. */
export const LINGER_MS = 50;

/** A commit for fewer costs more statements than it saves time. */
const MIN_PER_COMMIT = 20;

/** What became of recipients since the last commit was put together: all of it is still `sending` in the books. */
export class OutcomeBuffer {
  #outcomes: Outcome[] = [];
  #deferred: Deferral[] = [];
  #returned: number[] = [];
  #oldestAt = 0;

  readonly #fullAt: number;

  /** @param journal hears of it at once; null: there is none. */
  constructor(
    private readonly journal: RunJournal | null,
    { concurrency, maxInDoubt }: Pick<Required<RunOptions>, 'concurrency' | 'maxInDoubt'>,
  ) {
    // Beside those in flight, the other marked recipients bridge the time that a commit takes.
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

  /** Nothing was handed over; written without lingering. */
  handBack(indexes: number[]): void {
    this.#returned.push(...indexes);
    this.journal?.handBack(indexes);
  }

  get outcomes(): readonly Outcome[] {
    return this.#outcomes;
  }

  /** Outcomes and deferrals. */
  get count(): number {
    return this.#outcomes.length + this.#deferred.length;
  }

  /** Enough for a commit. */
  get isFull(): boolean {
    return this.count >= this.#fullAt;
  }

  get numReturned(): number {
    return this.#returned.length;
  }

  /** Nothing more is waited for. */
  get hasLingered(): boolean {
    return this.count > 0 && performance.now() - this.#oldestAt >= LINGER_MS;
  }

  /** All of it, for the next commit. */
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
