/** A Handlebars helper: gets the arguments of its call, and Handlebars' own options last. */
// oxlint-disable-next-line no-explicit-any
export type TemplateHelper = (this: any, ...parameters: any[]) => unknown;

/** How a text part is made from html. */
export interface TextOptions {
  /** Characters of a line; 0: lines are not broken. Default: 78. Bounds: 0, or 20 to 900. */
  lineWidth?: number;
  /** Spaces before the sign of a list item, for each level. Default: 1. Bounds: 0 to 20. */
  indentWidth?: number;
  /** Drawn over the whole line for `<hr>`. Default: `-`. One character. */
  hrChar?: string;
  /** Sign of a list item. Default: `*`. 1 to 3 characters. */
  liChar?: string;
}

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
}
