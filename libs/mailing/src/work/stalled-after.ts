/**
 * How long a run may commit nothing, or a list yield nothing, before `MailingHealth` says what is waited for, in milliseconds.
 *
 * Invariant: whatever stands still is told within a minute (docs/host-functions.md). A run in good order commits far more often: each message that
 * ends is committed, and a run that waits for the next attempts looks every 30 s. A function of the host or a mail server that needs longer than this for
 * one answer is told too, until it answers.
 */
export const STALLED_AFTER_MS = 60_000;
