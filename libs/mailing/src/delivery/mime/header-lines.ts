import { foldLines } from 'nodemailer/lib/mime-funcs';
import MimeNode from 'nodemailer/lib/mime-node';
import type { Mailbox } from '../../model/addresses/email-address.js';
import {
  isStructuredHeader,
  longestGap,
  longestWord,
  MAX_HEADER_WORD,
} from '../../model/values/header-words.js';
import { encodedWords } from './encoded-words.js';

export type HeaderValue = string | Mailbox | Mailbox[];

/** A header of up to so many characters needs no folding. */
export const SHORT_LINE = 76;

/** Headers of nodemailer's own, in which an encoded word would not be decoded. */
const NO_TEXT = /^(?:from|to|cc|bcc|reply-to|message-id|date|mime-version|content-.*|otp-token)$/i;

/** Shared by all calls: it keeps nothing of what it encodes. */
const ENCODER = new MimeNode('text/plain');

/** The part of nodemailer's message that writes header values. */
interface HeaderWriter {
  encodeHeaderValue(name: string, value: unknown): string;
}

/**
 * One header, folded, with its line break; '' for an empty value. No line has more than 998 octets (RFC 5322 section 2.1.1).
 *
 * It has nodemailer's format, which breaks lines at spaces. A word that no line can hold is split into encoded words (RFC 2047), which mail
 * readers join again.
 */
export function headerLine(name: string, value: HeaderValue): string {
  const encoded = withShortWords(String(ENCODER.encodeHeaderValue(name, value as string)), name, value);
  return encoded.trim() === '' ? '' : `${foldLines(`${name}: ${encoded}`, SHORT_LINE)}\r\n`;
}

/** Makes a message that nodemailer composes write its headers the same way. Headers of its parts are bounded when they are accepted. */
export function breakLongWords(message: object): void {
  const writer = message as HeaderWriter;
  const encode = writer.encodeHeaderValue.bind(message);
  writer.encodeHeaderValue = (name, value) => withShortWords(encode(name, value), name, value);
}

function withShortWords(encoded: string, name: string, value: unknown): string {
  if (fits(encoded)) return encoded;
  if (typeof value === 'string')
    return NO_TEXT.test(name) || isStructuredHeader(name) ? encoded : unfolded(encodedWords(value));
  const mailboxes = [value].flat();
  if (!mailboxes.every(isMailbox)) return encoded;
  return mailboxes.length === 1 ? inWords(mailboxes[0]) : mailboxes.map(mailboxWithShortWords).join(', ');
}

/** A plugin of the host may have put something else there. */
function isMailbox(value: unknown): value is Mailbox {
  const { name, address } = (value ?? {}) as Partial<Mailbox>;
  return typeof name === 'string' && typeof address === 'string';
}

function mailboxWithShortWords(mailbox: Mailbox): string {
  const encoded = encodeMailbox(mailbox);
  return fits(encoded) ? encoded : inWords(mailbox);
}

function inWords(mailbox: Mailbox): string {
  const bare = encodeMailbox({ name: '', address: mailbox.address });
  return `${unfolded(encodedWords(mailbox.name))} ${bare.startsWith('<') ? bare : `<${bare}>`}`;
}

function encodeMailbox(mailbox: Mailbox): string {
  // nodemailer writes into the object it is given.
  return String(ENCODER.encodeHeaderValue('To', { ...mailbox } as unknown as string));
}

function fits(encoded: string): boolean {
  if (encoded.length <= SHORT_LINE) return true;
  return longestWord(encoded) <= MAX_HEADER_WORD && longestGap(encoded) < SHORT_LINE / 2;
}

function unfolded(words: string): string {
  return words.replaceAll('\r\n', '');
}
