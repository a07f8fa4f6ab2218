import type { MailingStatus } from '../states/mailing-status.js';
import { inspectValue, MailingError } from './mailing.error.js';

/** There is no mailing with this id. */
export class MailingNotFoundError extends MailingError {
  readonly code = 'MAILING_NOT_FOUND';

  constructor(readonly mailingId: unknown) {
    super(
      `There is no mailing ${inspectValue(mailingId)}. Give the mailingId of a MailingHandle; mailings sent with persist false ` +
        'have none and take no commands.',
    );
  }
}

/** The mailing has ended in a way that leaves nothing to try again. */
export class MailingEndedError extends MailingError {
  readonly code = 'MAILING_ENDED';

  constructor(
    readonly mailingId: string,
    readonly status: MailingStatus,
  ) {
    super(
      `The mailing ${mailingId} is ${status}, and sends no further message. Take it up again by continueMailing first, or send a new mailing.`,
    );
  }
}
