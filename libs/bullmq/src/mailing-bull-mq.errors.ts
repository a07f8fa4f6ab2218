import { MailingError } from '../../mailing/src/index.js';
import { OptionPlace } from '../../mailing/src/parts.js';

/** An option of `MailingBullMqModule` is missing, unknown or out of its bounds. */
export class MailingBullMqOptionsError extends MailingError {
  readonly code = 'MAILING_BULLMQ_OPTIONS';

  constructor(
    /** Name of the option, for example `clusterRatePerSecond`. */
    readonly option: string,
    expected: string,
    /** In words, because a connection may hold a password. */
    got: string,
    nextStep = 'Correct it where the host calls MailingBullMqModule.forRoot or forRootAsync.',
  ) {
    super(`MailingBullMqModule: expected ${option} to be ${expected}, got ${got}. ${nextStep}`);
  }
}

/** The place of the options of `MailingBullMqModule`. */
export const BULL_MQ_PLACE = new OptionPlace(
  '',
  ({ option, expected, got, nextStep }) => new MailingBullMqOptionsError(option, expected, got, nextStep),
);
