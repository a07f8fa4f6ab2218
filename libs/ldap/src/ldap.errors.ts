import { MailingError, publicReasonOf } from '../../mailing/src/index.js';
import { OptionPlace } from '../../mailing/src/parts.js';

/** An option of `nestjs-mailing/ldap` is missing, unknown or out of its bounds. */
export class LdapOptionsError extends MailingError {
  readonly code = 'MAILING_LDAP_OPTIONS';

  constructor(
    /** Name of the option, for example `bindPassword`. */
    readonly option: string,
    expected: string,
    /** In words where the value may be a secret. */
    got: string,
    nextStep = 'Correct it where the host names its directory.',
  ) {
    super(`nestjs-mailing/ldap: expected ${option} to be ${expected}, got ${got}. ${nextStep}`);
  }
}

/** The place of the options of `nestjs-mailing/ldap`. */
export const LDAP_PLACE = new OptionPlace(
  '',
  ({ option, expected, got, nextStep }) => new LdapOptionsError(option, expected, got, nextStep),
);

/** The directory did not answer, or did not answer the question. No recipient is skipped for it: the same profiles are looked up again. */
export class LdapUnavailableError extends MailingError {
  readonly code = 'MAILING_LDAP_UNAVAILABLE';

  constructor(
    /** Without user and password. */
    readonly url: string,
    /** What was tried, for example `connecting`. */
    readonly step: string,
    cause: unknown,
    nextStep = 'See whether the server is up and what its log says.',
  ) {
    super(`The directory ${url} failed at ${step}: ${oneSentence(cause)} ${nextStep}`, { cause });
  }
}

function oneSentence(cause: unknown): string {
  const text = publicReasonOf(cause);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
