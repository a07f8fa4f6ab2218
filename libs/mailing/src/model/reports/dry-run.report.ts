/** The result that a mailing would have, if it were sent now. */
export interface DryRunReport {
  /** Recipients that were checked. A recipient that is listed twice counts twice; a mailing sends it one copy. */
  numRecipients: number;
  /** Messages that would be handed over. */
  numMessages: number;
  /** Recipients that would be skipped, by reason (`error_code`). */
  skipped: Record<string, number>;
  /** Recipients whose message can't be made, by error; at most 100 different errors, the others as `other`. */
  failed: Record<string, number>;
}

/** Options of `dryRun`. */
export interface DryRunOptions {
  /**
   * Called after each 100 recipients, and at the end. A promise is awaited, up to `run.hostCallTimeoutMs`. An error that it throws ends the
   * dry run.
   */
  onProgress?: (report: DryRunReport) => unknown;
}
