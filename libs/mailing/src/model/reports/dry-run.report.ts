/** What a mailing would come to, if it were sent now. */
export interface DryRunReport {
  /** Recipients that were looked at. Whoever is listed twice is counted twice; a mailing sends him one copy. */
  numRecipients: number;
  /** Messages that would be handed over. */
  numMessages: number;
  /** Recipients that would be skipped, by reason (`error_code`). */
  skipped: Record<string, number>;
  /** Recipients whose message can't be made, by what went wrong; at most 100 different ones, the others as `other`. */
  failed: Record<string, number>;
}

/** Of `dryRun`. */
export interface DryRunOptions {
  /** Told after each 100 recipients, and at the end; a promise is waited for, up to `run.hostCallTimeoutMs`. What it throws ends the rehearsal. */
  onProgress?: (report: DryRunReport) => unknown;
}
