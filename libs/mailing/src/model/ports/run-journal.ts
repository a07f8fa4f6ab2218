import type { Deferral, Outcome } from '../states/outcome.js';
import type { Commit } from './ledger.js';

/** A record of what a run does with its recipients, kept beside its ledger so that a crash leaves fewer of them in doubt. */
export interface RunJournal {
  /**
   * Records that the message of this recipient is begun. Call the returned function before the mail server may take the message.
   *
   * @throws Error if the run has lost its claim. The returned function throws if the record could not be written.
   */
  begin(idx: number): () => void;
  settle(outcome: Outcome): void;
  defer(deferral: Deferral): void;
  /** Nothing was handed over for these recipients. */
  handBack(indexes: number[]): void;
  /** Calls from now on belong to the next commit. */
  nextCommit(): void;
  committed(commit: Commit): void;
}
