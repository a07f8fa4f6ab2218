import {
  isValidLocalPart,
  type Mailbox,
  MAX_ADDRESS,
  MAX_LOCAL_PART,
  MAX_MAILBOX_TEXT,
  parseMailbox,
} from './email-address.js';

/** Invisible characters that lists contain: soft hyphen, zero-width spaces and joiners, marks and overrides of direction, byte order mark. */
const INVISIBLE = /[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/;
const SPACE = /\s/;

/** What is allowed before the @, with dots anywhere: otherwise as in `LOCAL_PART` of a mailbox. */
const ATOMS_AND_DOTS = /^[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~.-]+$/u;

/** A text that may hold an address, split into the address and what is around it. */
export interface AddressInText {
  before: string;
  address: string;
  after: string;
}

/**
 * Parses the address of a recipient: one mailbox, with what foreign lists have around it and no reader would take for a part of it. White
 * space, invisible characters, one comma or semicolon at the end, and `mailto:` are removed. A local part is accepted that is standard only
 * in quotes (`"x."@home.example`), also without the quotes (`try..this@home.example`). Addresses that the host's own code writes (`from`,
 * `cc` and the like) are read by `parseMailbox`, to the letter.
 *
 * @returns the local part without quotes; null unless the text is exactly one address of at most 1,000 characters.
 */
export function parseRecipient(text: unknown): Mailbox | null {
  // Nearly all entries of a list are plain.
  const mailbox = parseMailbox(text);
  if (mailbox || typeof text !== 'string' || text.length > MAX_MAILBOX_TEXT) return mailbox;
  const tidy = tidied(text);
  return parseMailbox(tidy) ?? parseQuotable(addressIn(tidy));
}

/** Whether a local part is standard only in quotes: it begins or ends with a dot, or has two in a row. */
export function hasOddDots(address: string): boolean {
  return address.startsWith('.') || address.includes('..') || address.includes('.@');
}

/**
 * An address as it goes into headers and SMTP: a local part that is no dot-string is put in quotes (RFC 5321 section 4.1.2, RFC 5322
 * section 3.4.1). The quotes are no part of the name, so the receiving server sees the mailbox that was meant. Without quotes, strict
 * servers answer 553.
 */
export function quotedAddress(address: string): string {
  if (!hasOddDots(address)) return address;
  const at = address.lastIndexOf('@');
  return `"${address.slice(0, at)}"${address.slice(at)}`;
}

/** The text of a recipient, without what `parseRecipient` removes around the address. */
export function tidied(text: string): string {
  let tidy = trimmed(text);
  if (/[,;]$/.test(tidy)) tidy = trimmed(tidy.slice(0, -1));
  const { before, address, after } = addressIn(tidy);
  return `${before}${withoutScheme(trimmed(address))}${after}`;
}

/** The content of the last angle brackets if the text ends with them, or else the whole text. */
export function addressIn(text: string): AddressInText {
  const open = text.endsWith('>') ? text.lastIndexOf('<') : -1;
  if (open < 0) return { before: '', address: text, after: '' };
  return { before: text.slice(0, open + 1), address: text.slice(open + 1, -1), after: '>' };
}

function parseQuotable({ before, address, after }: AddressInText): Mailbox | null {
  const at = address.lastIndexOf('@');
  if (at < 1) return null;
  const local = unquoted(address.slice(0, at)).normalize('NFC');
  if (!ATOMS_AND_DOTS.test(local) || !/[^.]/.test(local)) return null;
  // The rest of the text is checked as for any other mailbox, with `x` as the local part.
  const standIn = parseMailbox(`${before}x@${address.slice(at + 1)}${after}`);
  if (!standIn) return null;
  const whole = `${local}${standIn.address.slice(1)}`;
  // A local part that is standard without quotes was quoted needlessly.
  const written = isValidLocalPart(local) ? whole : quotedAddress(whole);
  const domainLength = standIn.address.length - 1;
  const isTooLong =
    Buffer.byteLength(written) > MAX_ADDRESS || Buffer.byteLength(written) - domainLength > MAX_LOCAL_PART;
  return isTooLong ? null : { ...standIn, address: whole };
}

function unquoted(local: string): string {
  return local.length > 2 && local.startsWith('"') && local.endsWith('"') ? local.slice(1, -1) : local;
}

function withoutScheme(address: string): string {
  return /^mailto:/i.test(address) ? trimmed(address.slice('mailto:'.length)) : address;
}

/** Reads each character at an end once; a regular expression would begin anew at each space inside. */
function trimmed(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text[from])) from++;
  while (to > from && isBlank(text[to - 1])) to--;
  return text.slice(from, to);
}

function isBlank(character: string): boolean {
  return SPACE.test(character) || INVISIBLE.test(character);
}

/** True if the text has an invisible character. */
export function hasInvisible(text: string): boolean {
  return INVISIBLE.test(text);
}
