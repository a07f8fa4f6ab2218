import { randomBytes } from 'node:crypto';
import MailComposer from 'nodemailer/lib/mail-composer';
import { foldLines } from 'nodemailer/lib/mime-funcs';
import MimeNode from 'nodemailer/lib/mime-node';
import * as qp from 'nodemailer/lib/qp';
import type { Mailbox } from '../model/email-address.js';
import type { EmailMessage } from './email-message.sender.js';
import { isAscii } from './is-ascii.js';

/** RFC 5321 section 4.5.3.1.6, without the line break. */
const LONGEST_LINE = 998;
/** What no encoding but one of bytes may carry. */
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;
/** A name that goes into a header as it is. */
const PLAIN_NAME = /^[A-Za-z0-9_ ]{1,40}$/;
// oxlint-disable-next-line no-control-regex
const PLAIN_TEXT = /^[\u0020-\u007e]*$/;
/** A header of so many characters needs no folding. */
const SHORT = 76;
/** Encoded header lines that are kept, most of them the same in all messages of a mailing. */
const MOST_LINES = 1_000;

/**
 * Turns messages into the bytes of an SMTP dialogue, the final dot included.
 *
 * A letter of text, html or both is put together here, the quick way: header lines that come again are encoded once, and a
 * body goes as it is where the server takes 8 bits and its lines are short enough. Everything else (attachments) is
 * nodemailer's, and so is the encoding of words, parameters and quoted-printable.
 */
export class MessageEncoder {
  readonly #lines = new Map<string, string>();
  #boundary = newBoundary();

  /** For messages without attachments. */
  letter(message: EmailMessage, mayUse8Bit: boolean): string {
    const { html, text } = message;
    const head = this.#head(message);
    // As with nodemailer, an empty part is none.
    if (!html || !text) {
      const only = html ? part('html', html, mayUse8Bit) : part('plain', text ?? '', mayUse8Bit);
      return `${head}${only}.\r\n`;
    }
    // Whoever has got a message knows it, and may have put it into what others are sent.
    while (text.includes(this.#boundary) || html.includes(this.#boundary)) this.#boundary = newBoundary();
    const open = `--${this.#boundary}\r\n`;
    return (
      `${head}Content-Type: multipart/alternative; boundary="${this.#boundary}"\r\n\r\n` +
      `${open}${part('plain', text, mayUse8Bit)}${open}${part('html', html, mayUse8Bit)}--${this.#boundary}--\r\n.\r\n`
    );
  }

  #head({ from, to, replyTo, cc, subject, messageId, headers }: EmailMessage): string {
    let head = '';
    for (const [name, value] of Object.entries(headers)) head += this.#line(name, value);
    head += this.#mailboxes('From', [from]) + this.#to(to);
    if (cc) head += this.#mailboxes('Cc', cc);
    if (replyTo) head += this.#mailboxes('Reply-To', replyTo);
    return `${head}${subjectLine(subject)}Message-ID: ${messageId}\r\nDate: ${dateNow()}\r\nMIME-Version: 1.0\r\n`;
  }

  #line(name: string, value: string): string {
    // Another one in each message.
    if (name === 'List-Unsubscribe') return headerLine(name, value);
    return this.#kept(JSON.stringify([name, value]), () => headerLine(name, value));
  }

  #to(mailbox: Mailbox): string {
    const { name, address } = mailbox;
    // Another one in each message: what can be written down at once is not kept.
    if (address.length <= SHORT && PLAIN_NAME.test(name) && PLAIN_TEXT.test(address)) {
      const line = `To: ${name} <${address}>\r\n`;
      if (line.length <= SHORT) return line;
    }
    return headerLine('To', [mailbox]);
  }

  #mailboxes(name: string, mailboxes: Mailbox[]): string {
    return this.#kept(JSON.stringify([name, mailboxes]), () => headerLine(name, mailboxes));
  }

  #kept(key: string, make: () => string): string {
    const known = this.#lines.get(key);
    if (known !== undefined) return known;
    if (this.#lines.size >= MOST_LINES) this.#lines.clear();
    const line = make();
    this.#lines.set(key, line);
    return line;
  }
}

function newBoundary(): string {
  return `--_NextPart_${randomBytes(12).toString('hex')}`;
}

/** Doubles the dots at the start of lines (RFC 5321 section 4.5.2), with line breaks as SMTP wants them. */
function stuffed(text: string): string {
  const lines = text.replace(/\r\n|\r|\n/g, '\r\n');
  return lines.includes('.') ? lines.replace(/(^|\n)\./g, '$1..') : lines;
}

function hasShortLines(text: string): boolean {
  for (let from = 0; from < text.length;) {
    const end = text.indexOf('\n', from);
    const to = end < 0 ? text.length : end;
    // A letter is at most three bytes for each unit of a text, so most lines need no counting.
    if ((to - from) * 3 > LONGEST_LINE && Buffer.byteLength(text.slice(from, to)) > LONGEST_LINE)
      return false;
    from = to + 1;
  }
  return true;
}

function part(kind: 'plain' | 'html', text: string, mayUse8Bit: boolean): string {
  const isPlain = isAscii(text);
  const mayGoAsItIs = (isPlain || mayUse8Bit) && !CONTROL.test(text) && hasShortLines(text);
  const encoding = mayGoAsItIs ? (isPlain ? '7bit' : '8bit') : 'quoted-printable';
  const body = mayGoAsItIs ? text : qp.wrap(qp.encode(text.replace(/\r\n|\r|\n/g, '\r\n')));
  return `Content-Type: text/${kind}; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${stuffed(body)}\r\n`;
}

function subjectLine(subject: string): string {
  if (subject.length < SHORT - 9 && PLAIN_TEXT.test(subject) && !subject.includes('=?')) {
    return `Subject: ${subject}\r\n`;
  }
  return headerLine('Subject', subject);
}

/** It keeps nothing of what it encodes. */
const ENCODER = new MimeNode('text/plain');

/** As nodemailer writes it, which leaves out what is empty. */
function headerLine(name: string, value: string | Mailbox[]): string {
  const encoded = String(ENCODER.encodeHeaderValue(name, value as string));
  return encoded.trim() === '' ? '' : `${foldLines(`${name}: ${encoded}`, SHORT)}\r\n`;
}

let dateAt = 0;
let date = '';

/** RFC 5322 section 3.3; the same for a second. */
function dateNow(): string {
  const now = Math.floor(Date.now() / 1_000);
  if (now !== dateAt) {
    dateAt = now;
    date = new Date().toUTCString().replace('GMT', '+0000');
  }
  return date;
}

/** Whether it is more than text, html or both, and so for nodemailer to put together. */
export function isMoreThanLetter({ attachments = [], html, text }: EmailMessage): boolean {
  return attachments.length > 0 || (!html && !text);
}

/**
 * A message of any shape, put together by nodemailer.
 *
 * @throws Error with the code `ESTREAM` if an attachment can't be read.
 */
export async function composeAny(message: EmailMessage): Promise<Buffer> {
  const { bcc: _nobodyReadsIt, ...shown } = message;
  const mail = new MailComposer(shown as ConstructorParameters<typeof MailComposer>[0]).compile();
  try {
    const raw = (await mail.build()).toString('latin1');
    return Buffer.from(`${stuffed(raw).replace(/(\r\n)?$/, '\r\n')}.\r\n`, 'latin1');
  } catch (error) {
    // As nodemailer's connections call it.
    throw Object.assign(new Error(String((error as Error)?.message)), { code: 'ESTREAM' });
  }
}
