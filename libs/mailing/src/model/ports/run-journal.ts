import type { Deferral, Outcome } from '../states/outcome.js';
import type { Commit } from './ledger.js';

/** Where a run says beside its ledger what becomes of its recipients, so that a crash leaves less doubt. */
export interface RunJournal {
  /**
   * The mail server may take the message for this recipient, once what it returns was called.
   *
   * @throws Error if it may not, because the run has lost its claim; what it returns, if it could not be written down.
   */
  begin(idx: number): () => void;
  settle(outcome: Outcome): void;
  defer(deferral: Deferral): void;
  /** Nothing was handed over. */
  handBack(indexes: number[]): void;
  /** What comes from now on belongs to the next commit. */
  nextCommit(): void;
  committed(commit: Commit): void;
}
