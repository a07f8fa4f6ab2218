/** Whom an unsubscribe link is for. */
export interface UnsubscribeRecipient {
  /** Null for a mailing that is not persisted. */
  mailingId: string | null;
  idx: number;
  /** `local@domain`, the domain in ASCII. */
  email: string;
  /** Set for profiles. */
  userId?: string;
}

/**
 * How recipients unsubscribe: by links that the plugin signs (`baseUrl` and `secret`), by links of the host (`url`), or by mail
 * alone (`mailto`).
 */
export interface UnsubscribeOptions {
  /**
   * Where `UnsubscribeController` of `nestjs-mailing/unsubscribe` answers; https. Each recipient's link is this with a signed
   * `token` in its query.
   */
  baseUrl?: string;
  /**
   * Signs the links of `baseUrl`: at least 32 characters that nobody can guess, the same on all servers. Of a list the first one
   * signs and all are good, so a secret can be replaced while letters signed with it are still being read.
   */
  secret?: string | readonly string[];
  /**
   * The recipient's link, made by the host, for each message just before it is sent, at once or by a promise: https, http or mailto; at
   * most 900 characters once it is encoded. Only https is one-click (RFC 8058). A recipient whose link it throws or rejects for, or that
   * is no such link, ends as an `error` with the code `unsubscribe`, and so does one whose link is not there within
   * `run.hostCallTimeoutMs`; the others go on.
   */
  url?: (who: UnsubscribeRecipient) => string | Promise<string>;
  /** An address, or a mailto URL, that takes unsubscriptions too; the same for all recipients. */
  mailto?: string;
  /**
   * How long the links of `baseUrl` are good, in milliseconds; null: for ever. Default: null, because letters are read late. Bounds:
   * 2,592,000,000 (30 days) to 315,360,000,000 (ten years). Too low: people who can't unsubscribe report spam.
   */
  tokenLifetimeMs?: number | null;
}
