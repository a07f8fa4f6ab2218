/** What a process does at its start with the mailings that it finds in the database. */
export type ResumePolicy =
  /** It resumes its own mailings, those of dead servers on `migrationList`, and batches if it claims any. */
  | 'auto'
  /**
   * It begins none of them before `TemplateEmailRestarter.resume()` is called, or `TemplateEmailSender.resume(mailingId)` for a single one.
   * Use it for a copy of a database, or when a person wants to check the mailings first.
   */
  | 'manual';
