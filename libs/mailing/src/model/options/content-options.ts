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

/** Where the files of persisted mailings are kept: in `dps_mail_attachment`, or as files in a folder. */
export type AttachmentStorageOption =
  | 'table'
  | {
      /** Absolute path of a folder that exists, and that all servers of the database share. */
      dir: string;
    };

/** How much mailings attach, and where it is kept. */
export interface AttachmentOptions {
  /**
   * Bytes of all attachments of one mailing together, before the third that MIME adds. Default: 26,214,400 (25 MB). Bounds: 1 to
   * 1,073,741,824. Too high: many mail servers refuse such messages, and each run holds them in memory.
   */
  maxBytes?: number;
  /** Longest time that one attachment given by URL or stream may take, in milliseconds. Default: 30,000. Bounds: 10 to 600,000. */
  fetchTimeoutMs?: number;
  /**
   * Where a persisted mailing keeps its attachments, each once, under its SHA-256. Default: `table`. A folder takes big ones off
   * the database; servers that do not share it can't send each other's mailings, which then pause. Mailings find theirs in the
   * place where they were kept, whatever the option says later, as long as that folder is still named here.
   */
  store?: AttachmentStorageOption;
}

/** Where templates live, and what they can use. */
export interface TemplateOptions {
  /** Absolute path of the template folder; nothing outside it is ever read. */
  dir: string;
  /**
   * Absolute path of the folder of partials and layouts; `{{> footer}}` is `footer.hbs` there, `{{> shop/logo}}` is
   * `shop/logo.hbs`. Default: `partials` in the template folder, if it is there.
   */
  partialsDir?: string;
  /**
   * Handlebars helpers by their names, of which none is `slot`. They run once for each message and have to be there after a
   * restart. Default: none.
   */
  helpers?: Record<string, TemplateHelper>;
  /** For text parts that no template makes. */
  text?: TextOptions;
}
