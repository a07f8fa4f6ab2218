import type { RecipientStatus } from '../states/recipient-status.js';

/** A recipient given by address. */
export interface AddressRecipient {
  /** At most 1,000 characters; `ann@home.example`, or with a name. */
  email: string;
  /** Cut to 255 characters. */
  name?: string;
  /**
   * This recipient's own template variables: a plain object. When the mailing is persisted it is stored as JSON, of at most 25 levels and
   * 262,144 bytes. If it breaks these rules, only this recipient is skipped.
   */
  data?: Record<string, unknown>;
}

/**
 * A recipient given by the id of a profile of the host; see `ProfileRepository`. Further fields are allowed and ignored, because the
 * profile is read just before the send. Give a profile object that has no `userId` as `{ userId: profile.id }`. Given as it is, its `email`
 * would count as a plain address, and the profile's opt-out would not be checked.
 */
export interface ProfileRecipient {
  /** 1 to 255 characters; letter case and spaces count. A number stands for its decimal digits. */
  userId: string | number | bigint;
}

/** An address (`ann@home.example` or `Ann <ann@home.example>`), an address with data, or a profile. */
export type Recipient = string | AddressRecipient | ProfileRecipient;

/**
 * Anything that yields recipients one by one: an array, a generator, a CSV parser, a database cursor. A generator can be used for one
 * mailing only.
 */
export type Recipients = Iterable<Recipient> | AsyncIterable<Recipient>;

/** A recipient as a run gets it from its ledger: marked `sending`, not yet rendered. */
export interface MarkedRecipient {
  /** Position in the mailing. */
  idx: number;
  /** How often it was attempted before. Default: 0. */
  attempts?: number;
  /** Set for profiles. */
  userId?: string;
  /** Set for plain addresses, as the host gave it, trimmed. */
  email?: string;
  name?: string;
  data?: Record<string, unknown>;
  /** True: the `data` of its row is no template variables, so the recipient is skipped. Default: false. */
  isUnreadable?: boolean;
}

/** The record of one recipient of a mailing. */
export interface RecipientRecord {
  /** Position in the mailing. */
  idx: number;
  /** Set for plain addresses. */
  email: string | null;
  /** Set for profiles. */
  userId: string | null;
  status: RecipientStatus;
  /** How often the message was handed over, or may have been. */
  attempts: number;
  /** Set while `deferred`. */
  nextAttemptAt: Date | null;
  settledAt: Date | null;
  /** SMTP reply code, enhanced code or a word of the plugin. */
  errorCode: string | null;
  errorText: string | null;
}
