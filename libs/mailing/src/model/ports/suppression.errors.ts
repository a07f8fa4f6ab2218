import { keepUnprinted, MailingError } from '../errors/mailing.error.js';
import { kindOf } from '../values/value-kind.js';

/** The value to suppress is not an address. */
export class SuppressionAddressError extends MailingError {
  readonly code = 'MAILING_SUPPRESSION_ADDRESS';

  constructor(readonly value: unknown) {
    super(
      `suppress: expected exactly one e-mail address such as ann@home.example, got ${kindOf(value)}. Give one address a call.`,
    );
    keepUnprinted(this);
  }
}

/** The host turned the suppression list off, or its own list can't be asked yet. */
export class SuppressionListMissingError extends MailingError {
  readonly code = 'MAILING_SUPPRESSION_LIST_MISSING';

  constructor() {
    super(
      'MailingSuppressions: expected a suppression list, but the option suppressionList is false, or the application is still being ' +
        'put together. Remove the option to use the table of the plugin, give a class of your own, or call later.',
    );
  }
}
