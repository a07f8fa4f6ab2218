import { MailingError } from './mailing.error.js';
import { kindOf } from '../values/value-kind.js';

/** An argument of a call has the wrong type, or is out of its bounds. No statement was sent to the database. */
export class InvalidArgumentError extends MailingError {
  readonly code = 'MAILING_ARGUMENT_INVALID';
  /** Kind of the value that was given. It shows the value itself only if a number within bounds is expected and another number was given. */
  readonly kind: string;

  constructor(
    /** Name of the argument after that of the call, for example `recipients: afterIdx`. */
    readonly argument: string,
    readonly expected: string,
    value: unknown,
    kind = kindOf(value),
  ) {
    super(`${argument}: expected ${expected}, got ${kind}. Correct the call.`);
    this.kind = kind;
  }
}
