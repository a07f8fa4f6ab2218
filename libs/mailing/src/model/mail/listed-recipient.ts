import { addressFault } from '../addresses/address-fault.js';
import { AddressNormalizerError, UNUSABLE_ADDRESS } from '../addresses/address-key.js';
import { cutText } from '../values/bounded-text.js';
import { type KeyOf, mailboxKey, toDisplayName } from '../addresses/email-address.js';
import { parseRecipient } from '../addresses/recipient-address.js';
import { NotSerializableError } from '../errors/request.errors.js';
import { toStoredJson } from './storable.js';
import { isPlainObject, kindOf } from '../values/value-kind.js';

/** Widths of the columns for profile ids and for addresses. */
export const MAX_USER_ID = 255;
export const MAX_EMAIL = 320;

/** Why an entry can't be mailed; `not_storable`: the database refuses its row. */
export type InvalidReason = 'invalid_address' | 'invalid_recipient' | 'not_storable' | 'address_normalizer';

/** An entry that is never mailed: its row is written as skipped, with the reason. The other entries go on. */
export interface InvalidEntry {
  kind: 'invalid';
  /** What the host gave in place of an address or an id, for its row only: `text` never contains it. */
  shownAs: string;
  reason: InvalidReason;
  /** What is wrong, in one sentence: types and paths, never a value. */
  text: string;
}

/** A plain address of a list. */
export interface ListedAddress {
  kind: 'address';
  email: string;
  name: string | null;
  key: string;
  /** The recipient's own variables as given, for a mailing that is not persisted. */
  data: Record<string, unknown> | null;
  /** The same as stored JSON, for a persisted mailing. */
  json: string | null;
}

/** One entry of a list of recipients, after its check and before its row is written. */
export type ListedRecipient = { kind: 'profile'; userId: string } | ListedAddress | InvalidEntry;

/** The fields of an entry, each read once. */
interface ReadEntry {
  kind: 'profile' | 'address';
  id: unknown;
  name: unknown;
  data: unknown;
}

/**
 * Checks one entry of the host's list. A faulty entry affects only itself: none of its methods or getters runs outside a guard.
 *
 * @param persist whether the recipient's own data has to be stored. If not, class instances inside it are kept as they are.
 * @param keyOf returns the key of the mailbox of an address.
 * @throws whatever `keyOf` throws, except AddressNormalizerError (the host's normalizer fails for this address), which makes this entry
 * invalid.
 */
export function toListedRecipient(
  recipient: unknown,
  persist: boolean,
  keyOf: KeyOf = mailboxKey,
): ListedRecipient {
  if (typeof recipient === 'string')
    return fromAddress(recipient, { name: null, data: null }, persist, keyOf);
  const entry = readEntry(recipient);
  if (typeof entry === 'string') return invalid(recipient, 'invalid_recipient', entry);
  if (entry.kind === 'address') return fromAddress(entry.id, entry, persist, keyOf);
  const userId = toUserId(entry.id);
  if (userId !== null) return { kind: 'profile', userId };
  return invalid(
    entry.id,
    'invalid_recipient',
    `userId is ${kindOf(entry.id)}, which is no id of a profile.`,
  );
}

/** The form in which a profile id is stored; null if the value can't be a profile id. */
export function toUserId(value: unknown): string | null {
  // A number beyond 2^53 has lost digits already, and may be the id of another profile.
  const isNumber = typeof value === 'bigint' || Number.isSafeInteger(value);
  const id = isNumber ? String(value) : value;
  if (typeof id !== 'string' || id === '' || id.length > MAX_USER_ID) return null;
  // On the way to a database, half a surrogate pair and a NUL turn into U+FFFD, and the id into that of another profile.
  return id.isWellFormed() && !id.includes('\0') ? id : null;
}

/** @returns a sentence if the entry can't be a recipient. */
function readEntry(recipient: unknown): ReadEntry | string {
  if (typeof recipient !== 'object' || recipient === null)
    return `A recipient is an address, or an object with email or userId; this is ${kindOf(recipient)}.`;
  let part = 'it';
  const read = (key: string): unknown => {
    part = key;
    return (recipient as Record<string, unknown>)[key];
  };
  try {
    if ('userId' in recipient) return { kind: 'profile', id: read('userId'), name: null, data: null };
    if (!('email' in recipient))
      return `A recipient has an email or a userId; this is ${kindOf(recipient)} without them.`;
    return { kind: 'address', id: read('email'), name: read('name'), data: read('data') };
  } catch {
    return `Reading ${part} of this recipient throws.`;
  }
}

function fromAddress(
  email: unknown,
  { name, data }: { name: unknown; data: unknown },
  persist: boolean,
  keyOf: KeyOf,
): ListedRecipient {
  const mailbox = parseRecipient(email);
  if (!mailbox) return invalid(email, 'invalid_address', notOneAddress(email));
  const wrongName = name !== undefined && name !== null && typeof name !== 'string';
  if (wrongName) return invalid(email, 'invalid_recipient', `name is ${kindOf(name)}; it has to be a text.`);
  const own = ownData(data, persist);
  if (typeof own === 'string') return invalid(email, 'invalid_recipient', own);
  const shownName = toDisplayName((name as string | null | undefined) ?? mailbox.name) || null;
  const { address } = mailbox;
  const key = keyOrNull(keyOf, address);
  if (key === null) return invalid(address, UNUSABLE_ADDRESS.skip, UNUSABLE_ADDRESS.text);
  return { kind: 'address', email: address, name: shownName, key, ...own };
}

/** Why an entry is skipped as `invalid_address`. */
export function notOneAddress(email: unknown): string {
  return `This is not exactly one valid e-mail address: ${addressFault(email)}.`;
}

/** Null if the host's normalizer fails for this address. */
function keyOrNull(keyOf: KeyOf, address: string): string | null {
  try {
    return keyOf(address);
  } catch (error) {
    if (error instanceof AddressNormalizerError) return null;
    throw error;
  }
}

/** @returns a sentence if `data` can't be template variables. */
function ownData(data: unknown, persist: boolean): Pick<ListedAddress, 'data' | 'json'> | string {
  if (data === undefined || data === null) return { data: null, json: null };
  try {
    if (!isPlainObject(data)) return `data is ${kindOf(data)}; it has to be a plain object.`;
    // A copy: getters run here, inside the guard, and not when the template reads them.
    if (!persist) return { data: { ...data }, json: null };
    const json = toStoredJson(data, 'data');
    // An object with a toJSON may turn into anything.
    return json.startsWith('{') ? { data: null, json } : 'data has a toJSON that gives no plain object.';
  } catch (error) {
    if (!(error instanceof NotSerializableError)) return 'Reading data throws.';
    return `${error.path} is ${error.found}, which can't be stored as JSON.`;
  }
}

function invalid(value: unknown, reason: InvalidReason, text: string): InvalidEntry {
  return { kind: 'invalid', shownAs: shownAs(value), reason, text };
}

/** A text or a number as given; of any other value only its type, so that no code of the host runs. */
function shownAs(value: unknown): string {
  if (typeof value === 'number') return String(value);
  // One more than is stored: `cutText` then sees that the text goes on, and removes half a surrogate pair at its end.
  const text = typeof value === 'string' ? value.slice(0, MAX_EMAIL + 1) : kindOf(value);
  return cutText(text, MAX_EMAIL).toWellFormed();
}
