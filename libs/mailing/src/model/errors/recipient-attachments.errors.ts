import { inspectValue, MailingError } from './mailing.error.js';

/**
 * A function of `recipientAttachments` can't answer now, whichever recipient it is asked about: a service or a store of the host is out of reach. For
 * such functions to throw.
 *
 * @nextStep Make what the reason names answer; the recipients are tried again by themselves, or after `resume` if the mailing was paused.
 *
 * @example
 * ```ts
 * const down = new AttachmentSourceDownError('the invoice service answers 503');
 * ```
 */
export class AttachmentSourceDownError extends MailingError {
  readonly code = 'MAILING_ATTACHMENT_SOURCE_DOWN';

  /** @param reason in a few words, without secrets and addresses: it becomes part of `errorText`. */
  constructor(
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`The attachments of recipients can't be made: ${reason}. Make it answer again.`, options);
  }
}

/** A mailing names a function of `recipientAttachments` that this server does not have. */
export class RecipientAttachmentsMissingError extends MailingError {
  readonly code = 'MAILING_RECIPIENT_ATTACHMENTS_MISSING';

  constructor(
    /** Its name. */
    readonly functionName: string,
  ) {
    super(
      `The mailing needs the function ${inspectValue(functionName)} of the option recipientAttachments, which this server does not have. ` +
        'Add it on each server that sends the mailing, then resume the mailing.',
    );
  }
}
