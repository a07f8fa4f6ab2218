import type { GivenSlots } from './slot-filling.js';
import type { TextOptions } from './text-options.js';

/** A file that is attached to every message of a mailing. */
export interface TemplateEmailAttachment {
  /** The name the recipient sees; at most 255 characters. */
  filename: string;
  /** Absolute path of a file, read once, when the mailing is sent; the file is not needed afterwards. */
  path?: string;
  /** http or https URL of a file, fetched once, when the mailing is sent. */
  href?: string;
  /**
   * The content itself. Bytes are copied at once. A stream may be given only with an array of one recipient, because the first one would
   * use it up.
   */
  content?: string | Uint8Array | AsyncIterable<Uint8Array | string>;
  /** MIME type; by default derived from the filename. */
  contentType?: string;
  /** Content id for `<img src="cid:…">`. */
  cid?: string;
}

/**
 * What is sent: one per mailing. The sender works on a copy, so the object may be used again at once.
 *
 * @example
 * ```ts
 * const info: TemplateEmailInfo = {
 *   name: 'Summer letter',
 *   templateUrl: 'newsletter.hbs',
 *   subject: 'Hello {{name}}, summer is here',
 *   from: 'The Corner Shop <news@shop.example>',
 *   params: { discount: 10 },
 * };
 * ```
 */
export interface TemplateEmailInfo {
  /** Shown in listings and logs; at most 255 characters. */
  name?: string;
  /** Html template, relative to `templates.dir`. */
  templateUrl: string;
  /** Template of the text part, relative to `templates.dir`; without it the text part is made from the html. */
  altTemplateUrl?: string;
  /**
   * The html template begins with YAML between two lines of `---`, and what it says wins over this object: `from`, `replyTo`,
   * `subject`, `cc`, `bcc`, `name`, each a Handlebars template itself. Default: false.
   */
  fillFromTemplate?: boolean;
  /** Handlebars source, rendered per recipient without html escaping; at most 10,000 characters, before and after. */
  subject: string;
  /** One address, with or without a name: `Ann <ann@shop.example>`; at most 1,000 characters. */
  from: string;
  /** One or more addresses, comma separated; at most 25,000 characters. */
  replyTo?: string;
  /** One or more addresses, comma separated; at most 25,000 characters. Each gets a copy of **every** message of the mailing. */
  cc?: string;
  /** One or more addresses, comma separated; at most 25,000 characters. Each gets a copy of **every** message of the mailing. */
  bcc?: string;
  /**
   * One address that every message goes to instead of its recipient's, in its header and on the wire: for a last check with real data, or
   * for people behind one mailbox. These messages have no unsubscribe links, which would be the recipients'. All else stays, including the
   * recorded outcomes and what the templates show.
   */
  messageTo?: string;
  /**
   * Address for the envelope (`MAIL FROM`, RFC 5321 section 4.1.1.2), which mail servers write into `Return-Path` and send bounces to; without a
   * name, at most 1,000 characters. Default: what the option `envelopeFrom` of the module answers, else the address of `from`.
   */
  envelopeFrom?: string;
  /**
   * One of the `transports` of `MailerModule`, by which the messages of this mailing leave; at most 255 characters. All servers that work on the
   * mailing need it. Default: the option `transporterName` of the module.
   */
  transporterName?: string;
  /**
   * Variables of the templates, the same for all recipients: a plain object, with `persist` of at most 25 levels and 262,144 bytes of
   * JSON. A recipient's own data wins over them.
   */
  params?: Record<string, unknown>;
  /**
   * Further headers: at most 100, with names of at most 76 characters and values of at most 10,000, before and after rendering. A value with `{{` is
   * Handlebars source, rendered per recipient without html escaping, with whatever engine the templates have; a value that renders empty leaves its
   * header out.
   */
  headers?: Record<string, string>;
  /** Files that every message carries; together at most `attachments.maxBytes`. */
  attachments?: TemplateEmailAttachment[];
  /**
   * One of the functions of the option `recipientAttachments`, by its name, that makes further files for each recipient; at most 255 characters. All
   * servers that work on the mailing need it. Default: none.
   */
  recipientAttachments?: string;
  /**
   * What the slots of the templates show: content by slot for all recipients, or a `SlotFilling` with content for single profiles. Slots
   * must be defined (`SlotService`), and persistent if `persist` or `runInSeparateThread` is true.
   */
  slots?: GivenSlots;
  /** Send a html part. Default: true. */
  sendAsHtml?: boolean;
  /** Send a text part. Default: true. */
  sendAsText?: boolean;
  /**
   * How the text part is made where no template makes it. What is absent is as in `templates.text` of the module; the whole is stored with
   * the mailing, so that it renders the same text after a restart with other options. Default: `templates.text`.
   */
  text?: TextOptions;
  /** Stored with the mailing for the host's own evaluation, and visible to templates as `trackingData`; keys and values of up to 254 characters. */
  trackingData?: Record<string, string>;
  /**
   * Whether several servers share the mailing: the list is cut into batches, and every server with `enabledAsTemplateMailServer` claims
   * some. Needs `persist`. Default: `batch.batchIfPossible`.
   */
  batched?: boolean;
  /** Recipients of one batch. Default: `batch.emailsPerBatch`. Bounds: 1 to 1,000,000. */
  batchSize?: number;
  /** True: also mails profiles that were mailed only recently (`profiles.daysContactFatigue`), for receipts and the like. Default: false. */
  ignoreContactFatigue?: boolean;
  /**
   * False: no `List-Unsubscribe` headers and no `unsubscribeUrl`, for mail that the recipient asked for, such as a receipt. Default: true,
   * which has no effect without the option `unsubscribe` of the module.
   */
  unsubscribe?: boolean;
  /** Visible to templates as `siteId`; at most 255 characters. */
  siteId?: string;
  /**
   * BCP 47 tag, such as `fr-CA`: the language of recipients that have no `locale` of their own, or one without a template; visible to
   * templates as `locale`.
   */
  locale?: string;
  /** Common id of several mailings that belong together; at most 255 characters. */
  batchExecId?: string;
}

/** What `sendEmailMessage` accepts: with `fillFromTemplate`, subject and sender may come from the template. */
export type TemplateEmailRequest =
  | TemplateEmailInfo
  | (Omit<TemplateEmailInfo, 'subject' | 'from' | 'fillFromTemplate'> & {
      fillFromTemplate: true;
      subject?: string;
      from?: string;
    });
