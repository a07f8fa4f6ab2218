import type { TextOptions } from '../mail/text-options.js';

/** A Handlebars helper: gets the arguments of its call, and Handlebars' own options last. */
// oxlint-disable-next-line no-explicit-any
export type TemplateHelper = (this: any, ...parameters: any[]) => unknown;

/**
 * Converts html to text in place of the plugin. Not async, because it is called while a message is rendered.
 *
 * @param html as the template made it.
 * @param options the text options of the mailing, or else those of the module, with every default filled in.
 * @returns the text part. If it throws or returns no text, that recipient ends as `error: template`.
 */
export type TextConverter = (html: string, options: Readonly<Required<TextOptions>>) => string;

/** Where the files of persisted mailings are stored: in the table `dps_mail_attachment`, or as files in a folder. */
export type AttachmentStorageOption =
  | 'table'
  | {
      /** Absolute path of an existing folder that all servers of the database share. */
      dir: string;
    };

/** How many bytes a mailing may attach, and where they are stored. */
export interface AttachmentOptions {
  /**
   * Bytes of all attachments of one mailing together, before MIME encoding, which adds a third. Default: 26,214,400 (25 MB). Bounds: 1 to
   * 1,073,741,824. Too high: many mail servers refuse such messages, and each run holds them in memory.
   */
  maxBytes?: number;
  /**
   * Files that a function of `recipientAttachments` may make for one recipient. Default: 10. Bounds: 1 to 100. More end that recipient as an error.
   */
  maxPerRecipient?: number;
  /**
   * Bytes of the files that a function of `recipientAttachments` makes for one recipient together, before MIME encoding. Default: 2,097,152 (2 MB).
   * Bounds: 1 to 104,857,600; times `run.concurrency`, and `batch.numBatchThreads` of a server that takes batches, at most 1 GiB, because so many
   * messages are in memory. More end that recipient as an error.
   */
  maxRecipientBytes?: number;
  /**
   * Longest time that one attachment given by URL or stream may take, in milliseconds. Default: 30,000. Bounds: 10 to 600,000. Too low: a
   * large file or a slow server refuses the mailing. Too high: a call waits that long for a server that does not answer.
   */
  fetchTimeoutMs?: number;
  /**
   * Where a persisted mailing stores its attachments, each file once, under its SHA-256. Default: `table`. A folder keeps big files out of
   * the database. A server that does not share the folder can't send the mailings of the others, and pauses them. A mailing reads its
   * attachments from the storage that they were written to, whatever this option says later; for a folder, the option must still name that
   * folder.
   */
  store?: AttachmentStorageOption;
}

/** The folder of the templates, and what templates can use. */
export interface TemplateOptions {
  /** Absolute path of the template folder; nothing outside it is ever read. */
  dir: string;
  /**
   * Absolute path of the folder of partials and layouts; `{{> footer}}` is `footer.hbs` there, `{{> shop/logo}}` is
   * `shop/logo.hbs`. Default: `partials` in the template folder, if it is there.
   */
  partialsDir?: string;
  /**
   * Handlebars helpers by name; the name `slot` is reserved. A helper runs for each message, and must still be there after a restart.
   * Default: none.
   */
  helpers?: Record<string, TemplateHelper>;
  /** How the text part is made where no template makes it. */
  text?: TextOptions;
  /**
   * Makes the text part from the html, in place of the plugin. It runs for each message without a text template, and must still be there
   * after a restart. Default: the plugin converts.
   */
  textConverter?: TextConverter;
}
