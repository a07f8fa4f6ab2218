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
 * Characters of a text that is read as one mailbox: a display name of 255 with each character escaped (510), quotes and brackets (5), an
 * address (254), and room for spaces. A longer text is refused and never cut: the part that is left could be another mailbox.
 */
export const MAX_MAILBOX_TEXT = 1_000;

/** Characters of a text that is read as a list of mailboxes: some 1,000 addresses, as many as most mail servers accept in one message. */
export const MAX_MAILBOX_LIST = 25_000;

/**
 * What is allowed before the @ without quotes (RFC 5322 `dot-atom`), extended to non-ASCII letters (RFC 6531). Quoted local parts are
 * refused in headers; those of recipients are read by `parseRecipient`.
 */
const LOCAL_PART = /^[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~-]+(\.[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~-]+)*$/u;

const DOMAIN = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * An address that the steps below would not change, except for the case of its domain. The last label must begin with a letter: a number
 * there makes the whole an IPv4 address.
 */
const PLAIN =
  /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@((?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)*[a-z](?:[a-z\d-]{0,61}[a-z\d])?)$/i;

/** A name, and one address in angle brackets. Of `<a@b> <c@d>`, the parser would return one address and silently drop the other. */
const ONE_ADDRESS_AT_END = /^[^<>]*<([^<>]*)>$/;

/** Whether a local part needs no quotes. Does not check its length. */
export function isValidLocalPart(local: string): boolean {
  return LOCAL_PART.test(local);
}

/**
 * A display name as it is stored and shown: one line of at most 255 characters. A longer one is cut between two characters; a shortened
 * name still reaches the same mailbox.
 */
export function toDisplayName(text: string): string {
  // Cut before it is read; spaces that fold away may be three quarters of it.
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
  // The parser is for header lines; a bare address must only be checked, not interpreted.
  if (!/[<>",;:()\s]/.test(trimmed)) return toMailbox(trimmed, '');
  const parsed = addressparser(trimmed, { flatten: true });
  const atEnd = ONE_ADDRESS_AT_END.exec(withoutQuoted(trimmed));
  // After a parenthesis that is never closed, the parser takes the brackets for a comment and looks for an address before it.
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

/** Turns an address (`local@domain`, the domain in ASCII) into the key of its mailbox. */
export type KeyOf = (address: string) => string;

/** Characters of a `mailboxKey`. */
export const KEY_LENGTH = 22;

/**
 * The key of a mailbox, the same for every letter case and for composed or decomposed letters; the domain has to be in ASCII. It is 132
 * bits of a SHA-256: the probability that two mailboxes of a list of a billion have the same key is below 1e-21.
 *
 * Each further character enlarges the largest index there is: with all 64 hexadecimal digits, a list of a million was written a quarter
 * slower.
 *
 * The letter case of the local part is folded although RFC 5321 calls it significant: no mail provider in use tells `Ann@` from `ann@`, and
 * a list that has both means one person.
 */
export function mailboxKey(address: string): string {
  return hash('sha256', address.normalize('NFC').toLowerCase(), 'base64url').slice(0, KEY_LENGTH);
}

/**
 * The text without its quoted parts. A quote that is never closed quotes nothing.
 *
 * Each character is read once. A regular expression would try again from each escaped quote if the closing one is missing.
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

/** Fast path for nearly every address of a long list. @returns null if the text needs the other steps. */
function toPlainMailbox(text: string): Mailbox | null {
  if (text.length > MAX_ADDRESS) return null;
  const domain = PLAIN.exec(text)?.[1].toLowerCase();
  // Punycode labels have rules of their own.
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

/** The address, with its domain in ASCII; null unless it is one address and nothing else. */
export function bareAddress(value: unknown): string | null {
  const mailbox = parseMailbox(value);
  return mailbox !== null && mailbox.name === '' ? mailbox.address : null;
}
