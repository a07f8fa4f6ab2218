/** The recipient of an unsubscribe link. */
export interface UnsubscribeRecipient {
  /** Null for a mailing that is not persisted. */
  mailingId: string | null;
  idx: number;
  /** `local@domain`, the domain in ASCII. */
  email: string;
  /** Set for profiles. */
  userId?: string;
}

/** How recipients unsubscribe: by links that the plugin signs (`baseUrl` and `secret`), by links of the host (`url`), or by mail only (`mailto`). */
export interface UnsubscribeOptions {
  /**
   * https URL at which `UnsubscribeController` of `nestjs-mailing/unsubscribe` answers. The link of a recipient is this URL with a signed
   * `token` in its query. At most 200 characters, without a login and without `#`. Default: none.
   */
  baseUrl?: string;
  /**
   * Signs the links of `baseUrl`: a random text of at least 32 characters, the same on all servers. In a list, the first secret signs and
   * all verify, so a secret can be replaced while messages signed with it are still being read. Goes with `baseUrl`. Default: none.
   */
  secret?: string | readonly string[];
  /**
   * Returns the recipient's link, or a promise of it; called for each message just before it is sent. The link is https, http or mailto,
   * and at most 900 characters once it is encoded. Only https is one-click (RFC 8058). If the function throws, rejects, returns something
   * else or does not answer within `run.hostCallTimeoutMs`, this recipient ends as an `error` with the code `unsubscribe`; the others go
   * on. Not beside `baseUrl`. Default: none.
   */
  url?: (who: UnsubscribeRecipient) => string | Promise<string>;
  /** An address, or a mailto URL of at most 900 characters, that accepts unsubscriptions too; the same for all recipients. Default: none. */
  mailto?: string;
  /**
   * How long the links of `baseUrl` are valid, in milliseconds; null: for ever. Default: null, because messages are read late. Bounds:
   * 2,592,000,000 to 315,360,000,000 (30 days to ten years). Goes with `baseUrl`. Too low: people who can't unsubscribe report spam.
   */
  tokenLifetimeMs?: number | null;
}
