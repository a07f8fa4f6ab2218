import { MailingError } from './mailing.error.js';
import { kindOf } from '../values/value-kind.js';

/** An argument of a call is of another type, or out of its bounds. Nothing was asked of the database. */
export class InvalidArgumentError extends MailingError {
  readonly code = 'MAILING_ARGUMENT_INVALID';
  /** What kind of value was given; the value only where a number within bounds is expected, and another number was given. */
  readonly kind: string;

  constructor(
    /** With the call that it is given to, for example `recipients: afterIdx`. */
    readonly argument: string,
    readonly expected: string,
    value: unknown,
    kind = kindOf(value),
  ) {
    super(`${argument}: expected ${expected}, got ${kind}. Correct the call.`);
    this.kind = kind;
  }
}
