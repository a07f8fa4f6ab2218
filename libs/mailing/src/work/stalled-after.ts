/**
 * `MailingHealth` reports a run that commits nothing, or a list source that yields nothing, after this time, in milliseconds.
 *
 * Invariant: a mailing that makes no progress is reported within a minute (docs/host-functions.md). A healthy run commits far more often: each
 * message that ends is committed, and a run that waits for next attempts polls every 30 s. A function of the host or a mail server that needs longer
 * than this for one answer is reported too, until it answers.
 */
export const STALLED_AFTER_MS = 60_000;
