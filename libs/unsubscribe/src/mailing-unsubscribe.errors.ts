import { MailingError } from '../../mailing/src/index.js';
import { OptionPlace } from '../../mailing/src/parts.js';

/** An option of `MailingUnsubscribeModule` is missing, unknown or wrong. */
export class MailingUnsubscribeOptionsError extends MailingError {
  readonly code = 'MAILING_UNSUBSCRIBE_OPTIONS';

  constructor(
    /** Name of the option, for example `profileRepository`. */
    readonly option: string,
    expected: string,
    /** In words, because it may be a secret. */
    got: string,
    nextStep = 'Correct it where the host calls MailingUnsubscribeModule.forRoot or forRootAsync.',
  ) {
    super(`MailingUnsubscribeModule: expected ${option} to be ${expected}, got ${got}. ${nextStep}`);
  }
}

/** The place of the options of `MailingUnsubscribeModule`. */
export const UNSUBSCRIBE_PLACE = new OptionPlace(
  '',
  ({ option, expected, got, nextStep }) =>
    new MailingUnsubscribeOptionsError(option, expected, got, nextStep),
);

/** A recipient unsubscribes, and the host gave no store for it. The request is answered with an error, not with a promise that is not kept. */
export class UnsubscribeStoreMissingError extends MailingError {
  readonly code = 'MAILING_UNSUBSCRIBE_STORE_MISSING';

  constructor(
    /** The option that is missing. */
    readonly option: 'profileRepository' | 'suppressionList',
  ) {
    super(
      `MailingUnsubscribeModule: expected the option ${option}, here or in MailingModule, got none. ` +
        'A recipient could not be unsubscribed, because there is nowhere to store it. Give the option.',
    );
  }
}
