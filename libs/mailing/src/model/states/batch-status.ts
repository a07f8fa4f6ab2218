/**
 * The life of one batch of a mailing.
 *
 * Only a mailing is paused or canceled. Its batches go back to `free` then, and no server claims them.
 */
export type BatchStatus =
  /** No server works on it, and at least one of its recipients is not settled. */
  | 'free'
  /** A server works on it, or died while it did. */
  | 'claimed'
  /** Every recipient is settled, and its counters have been added to the mailing's. */
  | 'complete';

/** Every transition between two states, with its reason. The `WHERE` of each update enforces it. */
export const BATCH_TRANSITIONS: Record<BatchStatus, Partial<Record<BatchStatus, string>>> = {
  free: { claimed: 'a server takes it up' },
  claimed: {
    free: 'released for an orderly stop, a pause, an end on request, or because it only waits for next attempts, or freed after its server died',
    complete: 'the last recipient is settled, and it is merged into its mailing',
  },
  complete: { free: 'a person asks to try those with errors or in doubt again' },
};
