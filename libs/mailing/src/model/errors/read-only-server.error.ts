import { MailingError, inspectValue } from './mailing.error.js';

/**
 * The database server of a connection answers but accepts no writes: it is read-only, a standby, or cut off from its cluster. `server`
 * names it in its own words, `answer` is what it said, `cause` is the driver's error. Nothing of the transaction was committed, on this
 * server or another one. Mailings treat it as an outage of the database, and go on when new connections lead to the primary server.
 */
export class ReadOnlyServerError extends MailingError {
  readonly code = 'MAILING_READ_ONLY_SERVER';

  /** @param server host and port as the server itself knows them; null if it did not say. */
  constructor(
    readonly server: string | null,
    readonly answer: string,
    options?: ErrorOptions,
  ) {
    super(
      `Database: expected a server that writes, got ${server ?? 'one'} that answers ${inspectValue(answer)}. The plugin closes its connections ` +
        'to it and makes new ones. If this goes on, see where the host of the data source leads.',
      options,
    );
  }
}
