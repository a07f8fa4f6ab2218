import type { MailingStatus } from '../states/mailing-status.js';

/** The totals of all mailings of one execution. */
export interface ExecutionResult {
  batchExecId: string;
  numMailings: number;
  /** Number of mailings by state. A list that was written anew has left a `failed` mailing behind. */
  byStatus: Partial<Record<MailingStatus, number>>;
  numProfiles: number;
  numSent: number;
  /** Includes recipients in doubt. */
  numErrors: number;
  numSkipped: number;
}
