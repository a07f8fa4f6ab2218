import { MailingError } from './mailing.error.js';

/** The database left out or changed a row that is no duplicate, and gave no error. */
export class DroppedRowError extends MailingError {
  readonly code = 'MAILING_ROW_DROPPED';

  constructor(
    /** Without the prefix of the data source. */
    readonly table: string,
  ) {
    super(
      `The database dropped or changed a row of ${table} without an error. Look for triggers and checks on that table.`,
    );
  }
}
