import { MailingError } from './mailing.error.js';

/** The database refuses even a row that records a recipient as skipped, so the list can't be written. */
export class RefusedRowError extends MailingError {
  readonly code = 'MAILING_ROW_REFUSED';

  constructor(
    /** Without the prefix of the data source. */
    readonly table: string,
    /** Idx of the recipient in the list, from 0. */
    readonly idx: number,
  ) {
    super(
      `The database refuses even a skipped row in ${table} with idx ${idx}. Look for triggers and checks on that table.`,
    );
  }
}

/** The database dropped or changed a row that is no duplicate, without an error. */
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
