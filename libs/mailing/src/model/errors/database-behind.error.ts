import { MailingError } from './mailing.error.js';

/**
 * The database shows an older state than this process has committed: a node of a cluster lags behind, or a failover has lost commits. `committed`
 * says what is known to be committed, `seen` what the server shows instead. Nothing is written and nothing new is sent meanwhile; the connection is
 * closed, and it is tried again on another one.
 */
export class DatabaseBehindError extends MailingError {
  readonly code = 'MAILING_DATABASE_BEHIND';

  /** @param isFirst it was not behind the last time. */
  constructor(
    readonly committed: string,
    readonly seen: string,
    readonly isFirst: boolean,
  ) {
    super(
      `Database: expected ${committed}, got ${seen}: this server lags behind. If this goes on, see where the data source leads, and whether a ` +
        'failover has lost commits.',
    );
  }
}
