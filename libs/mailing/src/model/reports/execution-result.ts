import type { MailingStatus } from '../states/mailing-status.js';

/** How the mailings of one execution stand, summed up. */
export interface ExecutionResult {
  batchExecId: string;
  numMailings: number;
  /** How many mailings are in which state; a list that was written anew has left a failed one. */
  byStatus: Partial<Record<MailingStatus, number>>;
  numProfiles: number;
  numSent: number;
  /** Includes recipients in doubt. */
  numErrors: number;
  numSkipped: number;
}
