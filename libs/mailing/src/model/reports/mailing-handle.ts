import type { MailingStatus } from '../states/mailing-status.js';

/** The state and counts of a mailing when this process has ended its work on it. */
export interface MailingResult {
  /** Null for a mailing that was not persisted. */
  mailingId: string | null;
  /**
   * `completed`, or the state it was left in: `paused`, `canceled`, `failed`, `pending` after an orderly stop,
   * `in_progress` when taken over.
   */
  status: MailingStatus;
  statusReason: string | null;
  numProfiles: number;
  numSent: number;
  /** Includes recipients in doubt. */
  numErrors: number;
  numSkipped: number;
}

/** What `sendEmailMessage` returns with the option `transaction`. The mailing exists once that transaction is committed. */
export interface TransactionalMailingHandle {
  mailingId: string;
  /** Recipients accepted, duplicates left out. */
  numProfiles: number;
  /** Repeated recipients that were dropped; null if `isRepeat` is true. */
  numDuplicates: number | null;
  /** True if a mailing with this `idempotencyKey` already existed: nothing was written, and this is its handle. */
  isRepeat: boolean;
  /**
   * Begins the mailing at once; call it after the commit. Without it, the mailing begins within `server.heartbeatIntervalMs` of the commit.
   *
   * @returns as `MailingHandle.completed`.
   * @throws MailingNotCommittedError if the transaction is still open, or was rolled back.
   */
  begin: () => Promise<MailingResult>;
}

/** What `sendEmailMessage` returns. */
export interface MailingHandle {
  /** Null with `persist` false: nothing is written, and a crash loses the rest. */
  mailingId: string | null;
  /** Recipients accepted, duplicates left out; null with `persist` false, where the list is read while sending. */
  numProfiles: number | null;
  /** Repeated recipients that were dropped; null with `persist` false, or if `isRepeat` is true. */
  numDuplicates: number | null;
  /** True if a mailing with this `idempotencyKey` already existed: nothing was written, and this is its handle. */
  isRepeat: boolean;
  /**
   * Resolves when this process has ended its work on the mailing, whatever the `status`. Rejects only if the database can't be asked for
   * the result. An unhandled rejection does no harm.
   */
  completed: Promise<MailingResult>;
}
