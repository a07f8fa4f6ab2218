import { MailingError } from '../errors/mailing.error.js';

/**
 * A template prints an object that would read as `[object Object]`, or uses a promise.
 *
 * @nextStep Print a field of the object, or load what it waits for before you send, and pass it in params or data.
 */
export class TemplateValueError extends MailingError {
  readonly code = 'MAILING_TEMPLATE_VALUE';

  constructor(
    /** Where it is printed, for example `{{customer}}`, or `helper price` for what a helper returns. */
    readonly expression: string,
    /** In words, never the value itself. */
    readonly got: string,
    nextStep: string,
    expected = 'a text',
  ) {
    super(`${expression}: expected ${expected}, got ${got}. ${nextStep}`);
  }
}
