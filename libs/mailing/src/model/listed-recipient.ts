import { type KeyOf, mailboxKey, parseMailbox, toDisplayName } from './email-address.js';
import type { Recipient } from './recipient.js';
import { toStorable } from './storable.js';

/** Widths of the columns that hold what a host calls a recipient. */
export const LONGEST_USER_ID = 255;
export const LONGEST_EMAIL = 320;

/** One entry of a list of recipients, looked at before it is written down. */
export type ListedRecipient =
  | { kind: 'profile'; userId: string }
  | { kind: 'address'; email: string; name: string | null; key: string; data: Record<string, unknown> | null }
  /** Costs this recipient only: it is written down as skipped, with the reason, and mailed never. */
  | { kind: 'invalid'; shownAs: string; reason: 'invalid_address' | 'invalid_recipient' };

/**
 * Turns what a host calls a recipient into what is written down.
 *
 * @param persist whether the recipient's own data has to be stored.
 * @param keyOf what stands for a mailbox in its key.
 * @throws UnstorableValueError if it has to be and can't be.
 */
export function toListedRecipient(
  recipient: Recipient,
  persist: boolean,
  keyOf: KeyOf = mailboxKey,
): ListedRecipient {
  if (typeof recipient === 'string') return fromAddress(recipient, null, null, keyOf);
  if (typeof recipient !== 'object' || recipient === null) return invalid(recipient, 'invalid_recipient');
  if ('userId' in recipient) return fromUserId(recipient.userId);
  if (!('email' in recipient)) return invalid(recipient, 'invalid_recipient');
  const { email, name = null, data = null } = recipient;
  return fromAddress(email, name, persist ? toStorable(data, `data of recipient ${email}`) : data, keyOf);
}

/** What stands in the books for what a host calls the id of a profile; null if it can be none. */
export function toUserId(value: unknown): string | null {
  // Beyond 2^53 a number has lost digits already, and is somebody else's id.
  const isNumber = typeof value === 'bigint' || Number.isSafeInteger(value);
  const id = isNumber ? String(value) : value;
  return typeof id === 'string' && id !== '' && id.length <= LONGEST_USER_ID ? id : null;
}

function fromUserId(value: unknown): ListedRecipient {
  const userId = toUserId(value);
  return userId === null ? invalid(value, 'invalid_recipient') : { kind: 'profile', userId };
}

function fromAddress(
  email: unknown,
  name: string | null,
  data: Record<string, unknown> | null,
  keyOf: KeyOf,
): ListedRecipient {
  const mailbox = parseMailbox(email);
  if (!mailbox) return invalid(email, 'invalid_address');
  const shownName = toDisplayName(String(name ?? mailbox.name));
  return {
    kind: 'address',
    email: mailbox.address,
    name: shownName === '' ? null : shownName,
    key: keyOf(mailbox.address),
    data,
  };
}

function invalid(value: unknown, reason: 'invalid_address' | 'invalid_recipient'): ListedRecipient {
  return { kind: 'invalid', shownAs: textOf(value).slice(0, LONGEST_EMAIL), reason };
}

/** What JSON can't hold (a bigint, a circle) must not cost more than this recipient either. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
