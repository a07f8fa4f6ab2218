import { MailingError } from './mailing.error.js';

/** A header that was rendered for a recipient, or that the function `messageHeaders` added, can't be sent. Only this recipient fails. */
export class RenderedHeaderError extends MailingError {
  readonly code = 'MAILING_RENDERED_HEADER';

  constructor(
    /** Its name; null if there is none that can be shown. */
    readonly header: string | null,
    readonly expected: string,
    readonly got: string,
  ) {
    super(
      `MailingModule: expected ${header === null ? 'the further headers of a message' : `the header ${header} of a message`} to be ` +
        `${expected}, got ${got}. Correct its template, or the option messageHeaders.`,
    );
  }
}
