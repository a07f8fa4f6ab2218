import { MailingError } from './mailing.error.js';

/** The host has a transaction open on the one connection of a SQLite data source, and a statement of the plugin would become part of it. */
export class HostTransactionOpenError extends MailingError {
  readonly code = 'MAILING_HOST_TRANSACTION';

  constructor(readonly timeoutMs: number) {
    super(
      `A transaction of the application was open for ${timeoutMs} ms on the one connection of this SQLite data source, and would take ` +
        'what is written there along when it is rolled back. Send when it is over, and give the plugin a data source of its own (option dataSource).',
    );
  }
}
