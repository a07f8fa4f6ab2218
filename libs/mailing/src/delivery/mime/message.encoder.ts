import { randomBytes } from 'node:crypto';
import MailComposer from 'nodemailer/lib/mail-composer';
import * as base64 from 'nodemailer/lib/base64';
import type { Mailbox } from '../../model/addresses/email-address.js';
import { AttachmentParts } from './attachment-parts.js';
import type { EmailMessage } from '../../model/ports/email-message.sender.js';
import { encodedWords } from './encoded-words.js';
import { LineCache } from './line.cache.js';
import { breakLongWords, headerLine, type HeaderValue, SHORT_LINE } from './header-lines.js';
import { isAscii } from './is-ascii.js';
import { asTheyAre, type LineWriter, quotedPrintable } from './line-writers.js';
import { MAILING_ID_HEADER } from './message.composer.js';
import { dotsDoubled, toWire, withLineBreaks } from './wire-text.js';
import type { WireContent } from './wire-content.js';

/** A name that needs no encoding or quotes in a header. */
const PLAIN_NAME = /^[A-Za-z0-9_ ]{1,40}$/;
// oxlint-disable-next-line no-control-regex
const PLAIN_TEXT = /^[\u0020-\u007e]*$/;
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f]/;
/** Headers whose last line is cached. */
const MAX_LINES = 1_000;
/** Mailings whose body lines are cached at a time. */
const MAX_MAILINGS = 16;
/** Where base64 breaks its lines (RFC 2045 section 6.8). */
const BASE64_LINE = 76;

const NO_ATTACHMENTS: readonly Buffer[] = [];

type Kind = 'plain' | 'html';

/** The line caches of one part of a mailing's messages, one per encoding. */
interface Body {
  asTheyAre: LineCache;
  quoted: LineCache;
}

interface KnownLine {
  /** Compared by `===`: a mailbox has to be the same object. */
  value: HeaderValue;
  line: string;
}

/** How the bytes of a message will be sent. */
export type EncodedFor =
  /** After DATA: dots at the start of lines are doubled, and the final dot is added. */
  | 'smtp'
  /** The message alone, for nodemailer's own dialogue. */
  | 'nodemailer';

/**
 * Turns messages into bytes.
 *
 * A letter of text, html or both is composed here, which is fast: what recurs from message to message is encoded once (header lines, and runs of
 * lines of a body). A body is sent unencoded if it is ASCII or the server accepts 8 bits, and its lines are short enough; else as
 * quoted-printable or base64, whichever is shorter. Attachments are encoded once, as parts. nodemailer composes everything else (pictures of the
 * html), and encodes words, parameters and quoted-printable.
 */
export class MessageEncoder {
  readonly #headerLines = new Map<string, KnownLine>();
  readonly #bodies = new Map<string, Record<Kind, Body>>();
  readonly #asTheyAre: LineWriter;
  readonly #quoted: LineWriter;
  readonly #end: string;
  #boundary = newBoundary();
  #withoutBoundary = new WeakSet<readonly Buffer[]>();
  readonly #attachments: AttachmentParts;

  constructor(encodedFor: EncodedFor) {
    const doublesDots = encodedFor === 'smtp';
    this.#asTheyAre = asTheyAre(doublesDots);
    this.#quoted = quotedPrintable(doublesDots);
    this.#attachments = new AttachmentParts(doublesDots);
    this.#end = encodedFor === 'smtp' ? '.\r\n' : '';
  }

  /** @returns null if the message is more than a letter with attachments, so that nodemailer has to compose it. */
  async attachmentsOf({ attachments, html, text }: EmailMessage): Promise<readonly Buffer[] | null> {
    return html || text ? this.#attachments.of(attachments) : null;
  }

  /** @param attachments of the message, from `attachmentsOf`. */
  letter(
    message: EmailMessage,
    mayUse8Bit: boolean,
    attachments: readonly Buffer[] = NO_ATTACHMENTS,
  ): WireContent {
    const { html, text } = message;
    const letters = this.#head(message);
    const head = toWire(letters);
    let is8Bit = head.length > letters.length;
    const bodies = this.#bodiesOf(message.headers[MAILING_ID_HEADER]);
    const part = (kind: Kind, body: string): string => {
      const mayTry = mayUse8Bit || isAscii(body);
      const lines = mayTry ? bodies[kind].asTheyAre.write(body) : null;
      if (!lines) return this.#encodedPart(kind, body, bodies[kind]);
      is8Bit ||= !lines.isAscii;
      return `${partHead(kind, lines.isAscii ? '7bit' : '8bit')}${lines.wire}\r\n`;
    };
    // A recipient of an earlier message knows the boundary, and may have put it into content that others are sent.
    while (text?.includes(this.#boundary) || html?.includes(this.#boundary) || this.#isIn(attachments)) {
      this.#boundary = newBoundary();
      this.#withoutBoundary = new WeakSet();
    }
    const inner = `${this.#boundary}a`;
    const open = `--${inner}\r\n`;
    // As in nodemailer, an empty part is left out.
    const body =
      html && text
        ? `Content-Type: multipart/alternative; boundary="${inner}"\r\n\r\n` +
          `${open}${part('plain', text)}${open}${part('html', html)}--${inner}--\r\n`
        : html
          ? part('html', html)
          : part('plain', text ?? '');
    if (attachments.length === 0) return { pieces: [head + body + this.#end], is8Bit };
    return { pieces: this.#mixed(head, body, attachments), is8Bit };
  }

  /** Whether an attachment has the boundary in it: a host may attach a message that it got from us. Searched once per list of attachments. */
  #isIn(attachments: readonly Buffer[]): boolean {
    if (attachments.length === 0 || this.#withoutBoundary.has(attachments)) return false;
    if (attachments.some((one) => one.includes(this.#boundary))) return true;
    this.#withoutBoundary.add(attachments);
    return false;
  }

  #mixed(head: string, body: string, attachments: readonly Buffer[]): (string | Buffer)[] {
    const outer = `${this.#boundary}m`;
    const pieces: (string | Buffer)[] = [
      `${head}Content-Type: multipart/mixed; boundary="${outer}"\r\n\r\n--${outer}\r\n${body}`,
    ];
    for (const one of attachments) pieces.push(`--${outer}\r\n`, one);
    pieces.push(`--${outer}--\r\n${this.#end}`);
    return pieces;
  }

  /** The body in ASCII, which every server accepts: quoted-printable or base64, whichever is shorter. */
  #encodedPart(kind: Kind, body: string, known: Body): string {
    const quoted = known.quoted.write(body);
    // Four characters for three bytes, plus line breaks.
    const lengthInBase64 = (Buffer.byteLength(body) * 4 * (1 + 2 / BASE64_LINE)) / 3;
    if (quoted && quoted.wire.length <= lengthInBase64)
      return `${partHead(kind, 'quoted-printable')}${quoted.wire}\r\n`;
    const letters = base64.encode(Buffer.from(withLineBreaks(body)));
    return `${partHead(kind, 'base64')}${base64.wrap(letters, BASE64_LINE)}\r\n`;
  }

  #bodiesOf(mailingId: string): Record<Kind, Body> {
    const known = this.#bodies.get(mailingId);
    if (known) return known;
    if (this.#bodies.size >= MAX_MAILINGS) this.#bodies.clear();
    const body = (): Body => ({
      asTheyAre: new LineCache(this.#asTheyAre),
      quoted: new LineCache(this.#quoted),
    });
    const bodies = { plain: body(), html: body() };
    this.#bodies.set(mailingId, bodies);
    return bodies;
  }

  #head({ from, to, replyTo, cc, subject, messageId, headers }: EmailMessage): string {
    let head = '';
    for (const [name, value] of Object.entries(headers)) head += this.#line(name, value);
    head += this.#kept('From', from) + this.#to(to);
    if (cc) head += this.#kept('Cc', cc);
    if (replyTo) head += this.#kept('Reply-To', replyTo);
    return `${head}${subjectLine(subject)}Message-ID: ${messageId}\r\nDate: ${dateNow()}\r\nMIME-Version: 1.0\r\n`;
  }

  #line(name: string, value: string): string {
    // Differs in each message, so it is not cached.
    if (name === 'List-Unsubscribe') return headerLine(name, value);
    return this.#kept(name, value);
  }

  #to(mailbox: Mailbox): string {
    const { name, address } = mailbox;
    // Differs in each message, so it is not cached. A short plain one is written directly.
    if (address.length <= SHORT_LINE && PLAIN_NAME.test(name) && PLAIN_TEXT.test(address)) {
      const line = `To: ${name} <${address}>\r\n`;
      if (line.length <= SHORT_LINE) return line;
    }
    return headerLine('To', [mailbox]);
  }

  /** Caches the last line of each header, which in one mailing is mostly that of the next message too. */
  #kept(name: string, value: HeaderValue): string {
    const known = this.#headerLines.get(name);
    if (known?.value === value) return known.line;
    if (this.#headerLines.size >= MAX_LINES) this.#headerLines.clear();
    const line = headerLine(name, value);
    this.#headerLines.set(name, { value, line });
    return line;
  }
}

function newBoundary(): string {
  return `--_NextPart_${randomBytes(12).toString('hex')}`;
}

function partHead(kind: Kind, encoding: string): string {
  return `Content-Type: text/${kind}; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`;
}

function subjectLine(subject: string): string {
  if (PLAIN_TEXT.test(subject)) {
    const goesAsItIs = subject.length < SHORT_LINE - 9 && !subject.includes('=?');
    return goesAsItIs ? `Subject: ${subject}\r\n` : headerLine('Subject', subject);
  }
  return CONTROL.test(subject) ? headerLine('Subject', subject) : `Subject: ${encodedWords(subject)}\r\n`;
}

let dateAt = 0;
let date = '';

/** The date by RFC 5322 section 3.3; formatted once per second. */
function dateNow(): string {
  const now = Math.floor(Date.now() / 1_000);
  if (now !== dateAt) {
    dateAt = now;
    date = new Date().toUTCString().replace('GMT', '+0000');
  }
  return date;
}

/** Whether it has attachments, or neither text nor html. Then `attachmentsOf` decides whether nodemailer has to compose it. */
export function isMoreThanLetter({ attachments = [], html, text }: EmailMessage): boolean {
  return attachments.length > 0 || (!html && !text);
}

/**
 * A message of any shape, composed by nodemailer, to follow DATA.
 *
 * @throws Error with the code `ESTREAM` if an attachment can't be read.
 */
export async function composeAny(message: EmailMessage): Promise<WireContent> {
  const { bcc: _nobodyReadsIt, ...shown } = message;
  const mail = new MailComposer(shown as ConstructorParameters<typeof MailComposer>[0]).compile();
  breakLongWords(mail);
  try {
    const raw = (await mail.build()).toString('latin1');
    const bytes = Buffer.from(
      `${dotsDoubled(withLineBreaks(raw)).replace(/(\r\n)?$/, '\r\n')}.\r\n`,
      'latin1',
    );
    // nodemailer encodes everything as ASCII except attached messages, for which RFC 2046 section 5.2.1 allows no encoding.
    return { pieces: [bytes], is8Bit: !isAscii(raw) };
  } catch (error) {
    // The code that nodemailer's connections use for it.
    throw Object.assign(new Error(String((error as Error)?.message)), { code: 'ESTREAM' });
  }
}
