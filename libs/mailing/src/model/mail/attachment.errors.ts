import { publicReasonOf } from '../values/public-text.js';
import { inspectValue } from '../errors/mailing.error.js';
import { TemplateEmailRequestError } from '../errors/request.errors.js';

/** The attachments of a mailing are more than `attachments.maxBytes`. */
export class AttachmentTooLargeError extends TemplateEmailRequestError {
  readonly code = 'MAILING_ATTACHMENT_TOO_LARGE';

  constructor(
    /** The attachment that exceeded the limit, for example `attachments[1]`. */
    readonly field: string,
    readonly maxBytes: number,
  ) {
    super(
      `sendEmailMessage: expected all attachments together to have at most ${maxBytes} bytes, got more with info.${field}. ` +
        'Send a link instead, or raise the option attachments.maxBytes if the mail servers of your recipients take more.',
    );
  }
}

/** The content of an attachment is a stream, and there may be several recipients: the first one would use it up. */
export class AttachmentStreamError extends TemplateEmailRequestError {
  readonly code = 'MAILING_ATTACHMENT_STREAM';

  constructor(
    /** The attachment, for example `attachments[1]`. */
    readonly field: string,
  ) {
    super(
      `sendEmailMessage: expected info.${field}.content to be a text or bytes, got a stream, which the first recipient would use up; only an array of one recipient may have one. ` +
        'Give path or href, which are read once for all of them, or read the stream first: ' +
        "content: await buffer(stream), from 'node:stream/consumers'.",
    );
  }
}

/** An attachment could not be stored: in the folder of `attachments.store`, or in the table `dps_mail_attachment`. */
export class AttachmentNotStoredError extends TemplateEmailRequestError {
  readonly code = 'MAILING_ATTACHMENT_NOT_STORED';

  constructor(
    readonly field: string,
    /** Path or row that it was to be written to. */
    readonly path: string,
    cause: unknown,
  ) {
    super(
      `sendEmailMessage: expected info.${field} to be kept as ${inspectValue(path)}, got: ${publicReasonOf(cause)}. ` +
        'Check the folder of the option attachments.store, or triggers and checks on dps_mail_attachment, then send again.',
      { cause },
    );
  }
}

/** An attachment given by URL could not be fetched. */
export class AttachmentDownloadError extends TemplateEmailRequestError {
  readonly code = 'MAILING_ATTACHMENT_DOWNLOAD';

  constructor(
    readonly field: string,
    /** Without login and query, which may be secrets. */
    readonly url: string,
    reason: string,
    cause?: unknown,
  ) {
    super(
      `sendEmailMessage: expected info.${field}.href to answer with a file, got ${reason} from ${inspectValue(url)}. ` +
        'Look whether this server can fetch it, or give path or content.',
      { cause },
    );
  }
}
