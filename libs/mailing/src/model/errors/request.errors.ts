import { holderInWords, type IdHolder } from './id-holder.js';
import { publicReasonOf, toPublicText, reasonOf } from '../values/public-text.js';
import { keepUnprinted, MailingError, inspectValue } from './mailing.error.js';
import { kindOf } from '../values/value-kind.js';

/**
 * A request to send that was refused. Most are thrown before anything is written. If one comes while the list is written, the mailing is
 * `failed`; at a restart it pauses the mailing.
 */
export abstract class TemplateEmailRequestError extends MailingError {}

/** Recipients are neither an iterable nor an async iterable of recipients. */
export class UnknownRecipientsError extends TemplateEmailRequestError {
  readonly code = 'MAILING_RECIPIENTS_UNKNOWN';

  constructor(recipients: unknown) {
    super(
      `sendEmailMessage: expected recipients to be an array, an iterable or an async iterable, got ${kindOf(recipients)}. ` +
        'Wrap a single recipient in an array.',
    );
  }
}

/** A list is an iterator, such as a generator, that was read before: it would yield no recipient, and the mailing would look complete. */
export class SourceConsumedError extends TemplateEmailRequestError {
  readonly code = 'MAILING_SOURCE_CONSUMED';

  constructor(
    /** `recipients`, or `slots.` with the name of the slot. */
    readonly source: string,
  ) {
    super(
      `sendEmailMessage: expected ${source} to be a list that can be read, got an iterator or a stream that was read before and yields nothing more. ` +
        'Give an array, or make the generator or stream anew for each time.',
    );
  }
}

/** A list breaks the iterator protocol: it gives no iterator, or one whose `next()` returns something other than an object. */
export class SourceProtocolError extends TemplateEmailRequestError {
  readonly code = 'MAILING_SOURCE_PROTOCOL';

  constructor(
    /** `recipients`, or `slots.` with the name of the slot. */
    readonly source: string,
    /** The part that breaks it: the list, its iterator, `next`, or an answer of `next()`. */
    readonly part: string,
    value: unknown,
    expected = 'an object',
  ) {
    super(
      `sendEmailMessage: expected ${part} of ${source} to be ${expected}, got ${kindOf(value)}. ` +
        'Give an array or a generator, or correct the iterator.',
    );
  }
}

/** A recipient is given by profile id, but the host gave no `ProfileRepository`. */
export class ProfileRepositoryMissingError extends TemplateEmailRequestError {
  readonly code = 'MAILING_PROFILE_REPOSITORY_MISSING';

  constructor() {
    super(
      'sendEmailMessage: expected addresses only, got the id of a profile. ' +
        'Give the option profileRepository, which turns profile ids into addresses.',
    );
  }
}

/** A required field of the info is missing or empty. */
export class MissingFieldError extends TemplateEmailRequestError {
  readonly code = 'MAILING_FIELD_MISSING';

  constructor(
    readonly field: string,
    readonly value: unknown,
  ) {
    super(
      `sendEmailMessage: expected info.${field} to be a text that is not empty, got ${inspectValue(value)}. Set it.`,
    );
    keepUnprinted(this);
  }
}

/** A field of the info has another shape than its type says. */
export class InvalidFieldError extends TemplateEmailRequestError {
  readonly code = 'MAILING_FIELD_INVALID';

  constructor(
    readonly field: string,
    expected: string,
    readonly value: unknown,
    argument: 'info' | 'options' = 'info',
  ) {
    super(
      `sendEmailMessage: expected ${argument}.${field} to be ${expected}, got ${inspectValue(value)}. Correct it.`,
    );
    keepUnprinted(this);
  }
}

/** Our names for fields of other libraries, and of the platform that this plugin follows. */
const OUR_NAMES: Readonly<Record<string, string>> = {
  templateURL: 'templateUrl',
  template: 'templateUrl',
  altTemplateURL: 'altTemplateUrl',
  messageFrom: 'from',
  messageSubject: 'subject',
  messageReplyTo: 'replyTo',
  messageCc: 'cc',
  messageBcc: 'bcc',
  messageAttachments: 'attachments',
  messageResourceLocale: 'locale',
  templateParameters: 'params',
  context: 'params',
  mailingName: 'name',
  siteID: 'siteId',
  batchExecutionId: 'batchExecId',
  contentProcessor: 'text, sendAsHtml and sendAsText',
  profileId: 'userId of a recipient',
  to: 'messageTo, or a recipient',
};

const FIELD_NAME = /^[\w$-]{1,60}$/;

/**
 * The info has a field that does not exist.
 *
 * @nextStep Remove it, or use the name that the message gives.
 */
export class UnknownFieldError extends TemplateEmailRequestError {
  readonly code = 'MAILING_FIELD_UNKNOWN';
  /** Our name of the field, if it is known under another name; null: it is not. */
  readonly ours: string | null;

  constructor(
    readonly field: string,
    known: readonly string[],
  ) {
    const ours = Object.hasOwn(OUR_NAMES, field) ? OUR_NAMES[field] : null;
    const nextStep = ours ? `Say ${ours} instead.` : `Remove it; the fields are ${known.join(', ')}.`;
    const name = FIELD_NAME.test(field) ? `info.${field}` : 'a field of the info with an odd name';
    super(`sendEmailMessage: expected ${name} to be absent, because there is no such field. ${nextStep}`);
    this.ours = ours;
  }
}

/** An address in from, reply-to, cc or bcc can't be parsed. */
export class InvalidHeaderAddressError extends TemplateEmailRequestError {
  readonly code = 'MAILING_HEADER_ADDRESS_INVALID';

  constructor(
    readonly field: string,
    readonly value: unknown,
  ) {
    super(
      `sendEmailMessage: expected info.${field} to hold addresses such as "Ann <ann@shop.example>", got ${kindOf(value)}. Correct it.`,
    );
    keepUnprinted(this);
  }
}

/** A header value holds a line break or another control character, which could add headers of its own. */
export class HeaderInjectionError extends TemplateEmailRequestError {
  readonly code = 'MAILING_HEADER_INJECTION';

  constructor(
    readonly field: string,
    readonly value: unknown,
  ) {
    super(
      `sendEmailMessage: expected info.${field} to be one line without control characters, got ${kindOf(value)}. ` +
        'Remove the line break.',
    );
    keepUnprinted(this);
  }
}

/** The template file does not exist or can't be read. */
export class TemplateMissingError extends TemplateEmailRequestError {
  readonly code = 'MAILING_TEMPLATE_MISSING';

  constructor(
    readonly templateUrl: string,
    readonly path: string,
    cause?: unknown,
  ) {
    super(
      `The template ${inspectValue(templateUrl)} can't be read at ${path}. Put the file there, or correct the path relative to templates.dir.`,
      { cause },
    );
  }
}

/** A template file is not UTF-8, so its text is not known. */
export class TemplateEncodingError extends TemplateEmailRequestError {
  readonly code = 'MAILING_TEMPLATE_ENCODING';

  constructor(
    readonly templateUrl: string,
    /** Line of the file, from 1. */
    readonly line: number,
    found: string,
    cause?: unknown,
  ) {
    super(
      `The template ${inspectValue(templateUrl)}: expected text in UTF-8, got ${found} in line ${line}. Save the file as UTF-8.`,
      { cause },
    );
  }
}

/** The front matter of a template, or what it renders as, can't be used for a mailing. */
export class TemplateFrontMatterError extends TemplateEmailRequestError {
  readonly code = 'MAILING_TEMPLATE_FRONT_MATTER';

  constructor(
    readonly templateUrl: string,
    readonly key: string,
    expected: string,
    readonly value: unknown,
    cause?: unknown,
  ) {
    // The lines after the first one draw the position in the file.
    const why = cause instanceof Error ? `: ${toPublicText(reasonOf(cause).split('\n')[0])}` : '';
    super(
      `The front matter of the template ${inspectValue(templateUrl)}: expected ${key} to be ${expected}, got ${inspectValue(value)}${why}. Correct it.`,
      { cause },
    );
    keepUnprinted(this);
  }
}

/** The template that was stored with a persisted mailing is no longer in the database. */
export class TemplateNotStoredError extends TemplateEmailRequestError {
  readonly code = 'MAILING_TEMPLATE_NOT_STORED';

  constructor(readonly templateUrl: string) {
    super(
      `The template ${inspectValue(templateUrl)} is not in dps_mail_template, where it was kept with its mailing. ` +
        "Restore the rows, or set the mailing's template_hashes to NULL, and it reads the files.",
    );
  }
}

/** The template lies outside the configured folder. */
export class TemplateOutsideFolderError extends TemplateEmailRequestError {
  readonly code = 'MAILING_TEMPLATE_OUTSIDE_FOLDER';

  constructor(
    readonly templateUrl: string,
    readonly folder: string,
  ) {
    super(
      `The template ${inspectValue(templateUrl)} lies outside the template folder ${folder}. Move it into the folder; templates elsewhere are never read.`,
    );
  }
}

/** The template (or the subject, which is one) does not compile or does not render. */
export class TemplateNotCompilingError extends TemplateEmailRequestError {
  readonly code = 'MAILING_TEMPLATE_NOT_COMPILING';

  constructor(
    readonly templateUrl: string,
    cause: unknown,
  ) {
    super(
      `The template ${inspectValue(templateUrl)} does not render: ${publicReasonOf(cause)}. Correct the template.`,
      {
        cause,
      },
    );
  }
}

/** A value that has to outlive the process can't be stored as JSON. */
export class NotSerializableError extends TemplateEmailRequestError {
  readonly code = 'MAILING_NOT_SERIALIZABLE';

  constructor(
    /** Where in the info, for example `params.orders[3].total`. */
    readonly path: string,
    readonly found: string,
    otherwise = 'send with persist false, where nothing is stored',
  ) {
    super(
      `sendEmailMessage: expected info.${path} to be storable as JSON, got ${found}. ` +
        `Give plain values, or ${otherwise}.`,
    );
  }
}

/** The server is shutting down and takes no new mailings. */
export class ServerShuttingDownError extends TemplateEmailRequestError {
  readonly code = 'MAILING_SERVER_SHUTTING_DOWN';

  constructor(readonly uniqServerId: string) {
    super(
      `The server ${inspectValue(uniqServerId)} is shutting down and takes no new mailing. Send it again after the restart.`,
    );
  }
}

/** This process doesn't hold the lease of its server id, so it may not own a persisted mailing. */
export class ServerStandbyError extends TemplateEmailRequestError {
  readonly code = 'MAILING_SERVER_STANDBY';

  constructor(
    readonly uniqServerId: string,
    /** The process that owns it; null: this process has not registered, or has lost its lease. */
    readonly other: IdHolder | null = null,
  ) {
    const reason = other ? `${holderInWords(other)} uses it` : 'it has not registered, or has lost its lease';
    super(
      `This ${other?.isThisProcess ? 'application' : 'process'} does not own the server id ${inspectValue(uniqServerId)}: ${reason}. ` +
        'Give each process a uniqServerId of its own, or try again once this one has registered.',
    );
  }
}

/** The list of recipients could not be written to its end. The mailing is `failed`, and no recipient is mailed. */
export class RecipientListError extends MailingError {
  readonly code = 'MAILING_LIST_INCOMPLETE';

  constructor(
    readonly mailingId: string,
    cause: unknown,
  ) {
    super(
      `The list of recipients of mailing ${mailingId} could not be written to its end: ` +
        `${publicReasonOf(cause)}. No recipient is mailed. Correct the source and send again.`,
      { cause },
    );
  }
}
