import { keepUnprinted, MailingError, inspectValue } from '../errors/mailing.error.js';

/**
 * A query that can't be read page by page in the order of its `id`.
 *
 * @nextStep Correct the part of the query, or the option, that the message names.
 */
export class RecipientQueryError extends MailingError {
  readonly code = 'MAILING_RECIPIENT_QUERY';

  constructor(
    /** What is wrong: a part of the query, or an option. */
    readonly part: string,
    expected: string,
    readonly value: unknown,
    nextStep: string,
  ) {
    super(`recipientsFromQuery: expected ${part} to be ${expected}, got ${inspectValue(value)}. ${nextStep}`);
    keepUnprinted(this);
  }
}
