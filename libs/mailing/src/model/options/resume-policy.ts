/** What a process does at its start with the mailings that it finds in the database. */
export type ResumePolicy =
  /** It goes on with its own, with those of dead servers on `migrationList`, and with batches if it takes any. */
  | 'auto'
  /**
   * It begins none of them before `TemplateEmailRestarter.resume()` is called, or `TemplateEmailSender.resume(mailingId)` for a single one.
   * For a copy of a database, and for a start after which a person wants to look first.
   */
  | 'manual';
