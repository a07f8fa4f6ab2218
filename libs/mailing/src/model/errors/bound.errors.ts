import { TemplateEmailRequestError } from './request.errors.js';

/** A field of the info is longer than its maximum; it was not read any further. */
export class FieldTooLongError extends TemplateEmailRequestError {
  readonly code = 'MAILING_FIELD_TOO_LONG';

  constructor(
    /** For example `subject`, `headers["X-Shop"]`, `attachments[0].filename`. */
    readonly field: string,
    readonly numCharacters: number,
    readonly maxCharacters: number,
  ) {
    super(
      `sendEmailMessage: expected info.${field} to have at most ${maxCharacters} characters, got ${numCharacters}. Shorten it.`,
    );
  }
}

/** A rendered part is longer than a message can carry. The trial at the request refuses the mailing; later, only the one recipient fails. */
export class RenderedTooLongError extends TemplateEmailRequestError {
  readonly code = 'MAILING_RENDERED_TOO_LONG';

  constructor(
    readonly part: 'subject' | 'html' | 'from' | 'replyTo' | 'cc' | 'bcc',
    readonly numCharacters: number,
    readonly maxCharacters: number,
  ) {
    super(
      `The template renders ${part} with ${numCharacters} characters, and at most ${maxCharacters} are sent. ` +
        'Shorten what it shows of this recipient.',
    );
  }
}
