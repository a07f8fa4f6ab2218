/**
 * The life of one batch of a mailing.
 *
 * Only a mailing has a pause and an end on request; its batches go back to `free` then, and nobody takes them up.
 */
export type BatchStatus =
  /** Nobody works on it, and at least one of its recipients is not settled. */
  | 'free'
  /** A server works on it, or died while it did. */
  | 'claimed'
  /** Every recipient is settled, and its counters are part of the mailing's. */
  | 'complete';

/** Every arrow between two states, with the reason it exists. The `WHERE` of each update enforces its arrow. */
export const BATCH_TRANSITIONS: Record<BatchStatus, Partial<Record<BatchStatus, string>>> = {
  free: { claimed: 'a server takes it up' },
  claimed: {
    free: 'given back for an orderly stop, a pause, an end on request, or because it only waits for next attempts, or freed after its server died',
    complete: 'the last recipient is settled, and it is merged into its mailing',
  },
  complete: { free: 'a person asks to try those with errors or in doubt again' },
};
