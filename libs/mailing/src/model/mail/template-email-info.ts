import type { GivenSlots } from './slot-filling.js';

/** A file that goes along with every message of a mailing. */
export interface TemplateEmailAttachment {
  /** The name the recipient sees; at most 255 characters. */
  filename: string;
  /** Absolute path of a file, read once, when the mailing is sent; nobody needs it afterwards. */
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
   * One address that every message goes to, in its header and on the wire, instead of its recipient's: for a last look with
   * real data, or for people behind one mailbox. They have no unsubscribe links, which would be the recipients'. All else stays, the books and what the templates show
   * included.
   */
  messageTo?: string;
  /**
   * Variables of the templates, the same for all recipients: a plain object, with `persist` of at most 25 levels and 262,144 bytes of
   * JSON. A recipient's own data wins over them.
   */
  params?: Record<string, unknown>;
  /** Further headers, the same for all recipients: at most 100, with names of at most 76 characters and values of at most 10,000. */
  headers?: Record<string, string>;
  attachments?: TemplateEmailAttachment[];
  /**
   * What the slots of the templates show: content by slot for everybody, or a `SlotFilling` with content for single profiles.
   * Slots have to be defined (`SlotService`), and to be persistent where `persist` or `runInSeparateThread` is true.
   */
  slots?: GivenSlots;
  /** Send a html part. Default: true. */
  sendAsHtml?: boolean;
  /** Send a text part. Default: true. */
  sendAsText?: boolean;
  /**
   * Kept with the mailing for the host's own evaluation, and in the templates as `trackingData`; keys and values up to 254
   * characters.
   */
  trackingData?: Record<string, string>;
  /**
   * Shared by several servers: the list is cut in batches, and every server with `enabledAsTemplateMailServer` takes some.
   * Needs `persist`. Default: `batch.batchIfPossible`.
   */
  batched?: boolean;
  /** Recipients of one batch. Default: `batch.emailsPerBatch`. Bounds: 1 to 1,000,000. */
  batchSize?: number;
  /** Mails also those who were mailed only recently (`profiles.daysContactFatigue`): receipts and the like. Default: false. */
  ignoreContactFatigue?: boolean;
  /**
   * False: no `List-Unsubscribe` headers and no `unsubscribeUrl`, for mail that somebody asked for, such as a receipt. Default: true,
   * which does nothing without the option `unsubscribe` of the module.
   */
  unsubscribe?: boolean;
  /** In the templates as `siteId`; at most 255 characters. */
  siteId?: string;
  /**
   * BCP 47 tag, such as `fr-CA`: the language of recipients who have no `locale` of their own, or none that there is a
   * template for; in the templates as `locale`.
   */
  locale?: string;
  /** Common id of several mailings that belong together; at most 255 characters. */
  batchExecId?: string;
}

/** What is asked for: with `fillFromTemplate` the template may be what gives subject and sender. */
export type TemplateEmailRequest =
  | TemplateEmailInfo
  | (Omit<TemplateEmailInfo, 'subject' | 'from' | 'fillFromTemplate'> & {
      fillFromTemplate: true;
      subject?: string;
      from?: string;
    });
