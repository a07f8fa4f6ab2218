import { hash } from 'node:crypto';
import { domainToASCII } from 'node:url';
import addressparser from 'nodemailer/lib/addressparser';
import { cutText, hasControlCharacters, toOneLine } from '../values/bounded-text.js';

/** One mailbox, ready for a header and an envelope. */
export interface Mailbox {
  /** `local@domain`, the domain in ASCII form. */
  address: string;
  /** Display name, one line; empty when there is none. */
  name: string;
}

/** RFC 5321 section 4.5.3.1: at most 64 octets before the @ and 254 in all. */
export const MAX_LOCAL_PART = 64;
export const MAX_ADDRESS = 254;

/** Characters of a display name that are kept; the width of its column. */
export const MAX_DISPLAY_NAME = 255;

/**
 * Characters of a text that is read as one mailbox: a display name of 255 with each character escaped (510), quotes and brackets
 * (5), an address (254), and room for spaces. A longer text is never cut: what is left of it could be another mailbox.
 */
export const MAX_MAILBOX_TEXT = 1_000;

/** Characters of a text that is read as a list of mailboxes: some 1,000 addresses, as many as most mail servers take in one message. */
export const MAX_MAILBOX_LIST = 25_000;

/**
 * What may stand before the @ without quotes (RFC 5322 `dot-atom`), widened to non-ASCII letters (RFC 6531). Quoted
 * local parts are refused in headers; those of recipients are read by `parseRecipient`.
 */
const LOCAL_PART = /^[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~-]+(\.[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~-]+)*$/u;

const DOMAIN = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * An address that none of the steps below would change, but for the case of its domain. The last label begins with a
 * letter, because one that is a number makes the whole an IPv4 address.
 */
const PLAIN =
  /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@((?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)*[a-z](?:[a-z\d-]{0,61}[a-z\d])?)$/i;

/** A name, and one address in angle brackets: of `<a@b> <c@d>` the parser would take one and drop the other in silence. */
const ONE_ADDRESS_AT_END = /^[^<>]*<([^<>]*)>$/;

/** Control characters, and the separators U+2028 and U+2029 that some readers take for line breaks. */
// oxlint-disable-next-line no-control-regex

/** Whether a local part needs no quotes; its length is another matter. */
export function isValidLocalPart(local: string): boolean {
  return LOCAL_PART.test(local);
}

/**
 * A display name as it is kept and shown: one line of at most 255 characters. A longer one is cut between two characters, because a
 * shortened name reaches the same mailbox.
 */
export function toDisplayName(text: string): string {
  // Cut before it is looked at; spaces that fold away may take three quarters of it.
  const read = cutText(text, 4 * MAX_DISPLAY_NAME).toWellFormed();
  return cutText(toOneLine(read), MAX_DISPLAY_NAME).trimEnd();
}

/**
 * Parses exactly one mailbox.
 *
 * @returns null unless the text is exactly one valid mailbox of at most 1,000 characters: two addresses in one text must never
 * reach two people.
 */
export function parseMailbox(text: unknown): Mailbox | null {
  if (typeof text !== 'string' || text.length > MAX_MAILBOX_TEXT) return null;
  const plain = toPlainMailbox(text);
  if (plain || hasControlCharacters(text.trim())) return plain;
  const trimmed = text.trim();
  // The parser is for header lines; a bare address must not be interpreted, only checked.
  if (!/[<>",;:()\s]/.test(trimmed)) return toMailbox(trimmed, '');
  const parsed = addressparser(trimmed, { flatten: true });
  const atEnd = ONE_ADDRESS_AT_END.exec(withoutQuoted(trimmed));
  // Behind a parenthesis that is never closed the parser takes the brackets for a comment, and looks for an address before it.
  const isThatOne = parsed.length === 1 && parsed[0].address === atEnd?.[1].trim();
  return isThatOne ? toMailbox(parsed[0].address ?? '', parsed[0].name ?? '') : null;
}

/** Parses a comma separated list of mailboxes; null if any of them is invalid, there is none, or it has over 25,000 characters. */
export function parseMailboxes(text: unknown): Mailbox[] | null {
  if (typeof text !== 'string' || text.length > MAX_MAILBOX_LIST || hasControlCharacters(text)) return null;
  const mailboxes = addressparser(text, { flatten: true }).map((one) =>
    toMailbox(one.address ?? '', one.name ?? ''),
  );
  return mailboxes.length > 0 && mailboxes.every((one) => one !== null) ? mailboxes : null;
}

/** Turns an address (`local@domain`, the domain in ASCII) into what stands for its mailbox in keys. */
export type KeyOf = (address: string) => string;

/** Characters of a `mailboxKey`. */
export const KEY_LENGTH = 22;

/**
 * The same for every spelling of one mailbox: letter case, Unicode or punycode domain, composed or decomposed letters. It is
 * 132 bits of the SHA-256 of that: two mailboxes of a list of a billion have the same with a probability below 1e-21.
 *
 * Each character more is one more in the largest index there is: with all 64 hexadecimal digits a list of a million was written a quarter slower.
 *
 * Letter case of the local part is folded although RFC 5321 calls it significant: no mail provider in use tells
 * `Ann@` from `ann@`, and a list that has both means one person.
 */
export function mailboxKey(address: string): string {
  return hash('sha256', address.normalize('NFC').toLowerCase(), 'base64url').slice(0, KEY_LENGTH);
}

/**
 * The text without what stands in quotes. A quote that is never closed quotes nothing.
 *
 * Each character is looked at once. A regular expression would try again from each quote that is escaped, when the end is missing.
 */
function withoutQuoted(text: string): string {
  let rest = '';
  let from = 0;
  for (let open = text.indexOf('"'); open >= 0; open = text.indexOf('"', from)) {
    const close = closingQuote(text, open);
    if (close < 0) break;
    rest += text.slice(from, open);
    from = close + 1;
  }
  return rest + text.slice(from);
}

function closingQuote(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at;
  }
  return -1;
}

/** Nearly every address of a long list, in a fraction of the time. @returns null if the text has to be looked at closely. */
function toPlainMailbox(text: string): Mailbox | null {
  if (text.length > MAX_ADDRESS) return null;
  const domain = PLAIN.exec(text)?.[1].toLowerCase();
  // Labels in punycode have rules of their own.
  if (domain === undefined || domain.includes('xn--')) return null;
  const at = text.length - domain.length - 1;
  if (at > MAX_LOCAL_PART) return null;
  return { address: text.slice(0, at + 1) + domain, name: '' };
}

function toMailbox(address: string, name: string): Mailbox | null {
  const at = address.lastIndexOf('@');
  if (at < 1) return null;
  const local = address.slice(0, at).normalize('NFC');
  const domain = domainToASCII(address.slice(at + 1)).toLowerCase();
  const valid =
    LOCAL_PART.test(local) &&
    DOMAIN.test(domain) &&
    Buffer.byteLength(local) <= MAX_LOCAL_PART &&
    Buffer.byteLength(local) + 1 + domain.length <= MAX_ADDRESS;
  return valid ? { address: `${local}@${domain}`, name: toOneLine(name) } : null;
}
