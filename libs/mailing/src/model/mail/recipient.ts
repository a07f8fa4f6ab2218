import type { RecipientStatus } from '../states/recipient-status.js';

/** A recipient given by address. */
export interface AddressRecipient {
  /** At most 1,000 characters; `ann@home.example`, or with a name. */
  email: string;
  /** Cut to 255 characters. */
  name?: string;
  /**
   * This recipient's own template variables: a plain object, stored as JSON when the mailing is persisted, and then of at most 25 levels and
   * 262,144 bytes. What is not costs this recipient only.
   */
  data?: Record<string, unknown>;
}

/**
 * A recipient given by the id of a profile of the host; see `ProfileRepository`. An object with more in it is taken too, and the
 * rest left alone: the profile is looked up just before the send. A profile object of the host without `userId` is therefore given
 * as `{ userId: profile.id }`; given as it is, its `email` would be a plain address, which nobody asks for opt-outs.
 */
export interface ProfileRecipient {
  /** 1 to 255 characters, compared to the letter and to the space; numbers stand for their decimal digits. */
  userId: string | number | bigint;
}

/** An address (`ann@home.example` or `Ann <ann@home.example>`), an address with data, or a profile. */
export type Recipient = string | AddressRecipient | ProfileRecipient;

/**
 * Everything that yields recipients one by one: an array, a generator, a CSV parser, a database cursor. A generator is good for
 * one mailing.
 */
export type Recipients = Iterable<Recipient> | AsyncIterable<Recipient>;

/** A recipient as the run meets it: marked `sending`, not yet rendered. */
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
  /** Its row holds something else than template variables, so it is skipped. Default: false. */
  isUnreadable?: boolean;
}

/** What is on record about one recipient of a mailing. */
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
  /** SMTP reply code, enhanced code or a word of ours. */
  errorCode: string | null;
  errorText: string | null;
}
