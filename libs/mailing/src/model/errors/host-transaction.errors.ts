import { MailingError } from './mailing.error.js';
import { TemplateEmailRequestError } from './request.errors.js';

/** The host has a transaction open on the one connection of a SQLite data source, and a statement of the plugin would become part of it. */
export class HostTransactionOpenError extends MailingError {
  readonly code = 'MAILING_HOST_TRANSACTION';

  constructor(readonly timeoutMs: number) {
    super(
      `A transaction of the application was open for ${timeoutMs} ms on the one connection of this SQLite data source, and would take ` +
        'what is written there along when it is rolled back. Send when it is over, or give its EntityManager as the option transaction.',
    );
  }
}

/** The option `transaction` is an EntityManager of another database than the plugin's. */
export class TransactionDatabaseError extends TemplateEmailRequestError {
  readonly code = 'MAILING_TRANSACTION_DATABASE';

  constructor(
    /** Names of the two databases. */
    readonly given: string,
    readonly expected: string,
  ) {
    super(
      `sendEmailMessage: expected options.transaction to be of the database ${JSON.stringify(expected)} and its data source, where the mailings are, ` +
        `got one of ${JSON.stringify(given)}. Begin the transaction on that data source, or send after the commit with an idempotencyKey.`,
    );
  }
}

/** A list is too long to be written within a transaction of the host. */
export class TransactionListTooLongError extends TemplateEmailRequestError {
  readonly code = 'MAILING_TRANSACTION_LIST';

  constructor(
    readonly list: 'recipients' | 'contents of slots',
    readonly maxLength: number,
  ) {
    super(
      `sendEmailMessage: expected at most ${maxLength} ${list} within a transaction, because it holds its locks while they are written. ` +
        'Store in the transaction what is to be sent, and send after its commit with an idempotencyKey, without the option transaction.',
    );
  }
}

/** A mailing with the idempotency key is being written by another caller, whose end a transaction can't wait for. */
export class TransactionKeyBusyError extends TemplateEmailRequestError {
  readonly code = 'MAILING_TRANSACTION_KEY';

  constructor(
    readonly idempotencyKey: string,
    readonly mailingId: string,
  ) {
    super(
      `sendEmailMessage: expected the idempotencyKey to be free or that of a complete mailing, but the list of the mailing ${mailingId} is being written. ` +
        'Roll the transaction back, and repeat it when that list is complete.',
    );
  }
}

/** A mailing that was written in a transaction of the host is not in the database. */
export class MailingNotCommittedError extends MailingError {
  readonly code = 'MAILING_NOT_COMMITTED';

  constructor(readonly mailingId: string) {
    super(
      `The mailing ${mailingId} is not in the database: its transaction is still open, or was rolled back. Call begin() after the commit.`,
    );
  }
}
