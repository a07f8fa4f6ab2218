import type { MailingStatus } from '../states/mailing-status.js';

/** The counts of a mailing at the end of this process's work on it. */
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

/** What `sendEmailMessage` gives back. */
export interface MailingHandle {
  /** Null with `persist` false: nothing is written, and a crash loses the rest. */
  mailingId: string | null;
  /** Recipients accepted, duplicates left out; null with `persist` false, where the list is read while sending. */
  numProfiles: number | null;
  /** How often a recipient came again and was dropped; null with `persist` false. */
  numDuplicates: number | null;
  /** True if a mailing with this `idempotencyKey` was there already: nothing was written, and this is its handle. */
  isRepeat: boolean;
  /**
   * Resolves when the work of this process on the mailing has ended, however it ended; see `status`. Rejects only if the
   * database can't be asked how. A rejection nobody listens to does no harm.
   */
  completed: Promise<MailingResult>;
}
