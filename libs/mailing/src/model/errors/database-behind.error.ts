import { MailingError } from './mailing.error.js';

/**
 * The database shows an older state than this process has committed: a node of a cluster lags behind, or a failover has lost commits.
 * `committed` is what is known to be committed, `seen` is what the server shows instead. Until it catches up, nothing is written and no new
 * message is sent. The connection is closed, and the next try uses another one.
 */
export class DatabaseBehindError extends MailingError {
  readonly code = 'MAILING_DATABASE_BEHIND';

  /** @param isFirst true at the first sight of this lag, false while it lasts. */
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
