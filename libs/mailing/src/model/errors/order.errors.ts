import type { MailingStatus } from '../states/mailing-status.js';
import { keepUnprinted, MailingError, inspectValue } from './mailing.error.js';

/** There is no mailing with this id. */
export class MailingUnknownError extends MailingError {
  readonly code = 'MAILING_UNKNOWN';

  constructor(readonly mailingId: unknown) {
    super(
      `There is no mailing ${inspectValue(mailingId)}. Give the mailingId of a MailingHandle; mailings sent with persist false ` +
        'have none and take no orders.',
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
      `The mailing ${mailingId} is ${status}, and nobody of it is mailed any more. Send a new mailing to those you still want to reach.`,
    );
  }
}

/** An argument of an order is not one of the words it takes. */
export class UnknownOrderError extends MailingError {
  readonly code = 'MAILING_ORDER_UNKNOWN';

  constructor(
    readonly argument: string,
    readonly allowed: readonly string[],
    readonly value: unknown,
  ) {
    super(
      `${argument}: expected ${allowed.join(' or ')}, got ${inspectValue(value)}. Give one of these words.`,
    );
    keepUnprinted(this);
  }
}
