/** RFC 3463: class, subject, detail; it follows the code (RFC 2034). Anywhere else it may be a part of an IP address. */
const ENHANCED_CODE = /^\d{3}[ -]#?([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)/;

/** The start of a further line of a reply. */
const NEXT_LINE = /\r?\n\d{3}[ -](?:#?[245]\.\d{1,3}\.\d{1,3}\s)?/g;

/** As much of a text as is searched for words; a reply may be a megabyte. */
const SEARCHED_CHARACTERS = 2_000;

/** RFC 3463 subjects that are about an address, a mailbox, this dialogue or this content, and not about how much we send. */
const ABOUT_THIS_MESSAGE = /^[245]\.[1256]\./;

const KIND = '(?:concurrent|simultaneous|parallel|open|connected|new|smtp|tls|outgoing|failed) ';
const ITEM =
  '(?:connections?|sessions?|clients?|messages?|e-?mails?|mails?|requests?|log-?ins?|auth\\w*|recipients from)';

/** Seen at Amazon SES, Exchange, Gmail, Postfix, SendGrid and others. "Try again later" alone speaks of no rate. */
const RATE = new RegExp(
  [
    'throttl',
    '\\bslow(?:ing)? down\\b',
    `\\btoo (?:many|much) (?:${KIND}){0,2}${ITEM}\\b`,
    '\\brate[- ]?limit',
    '\\brates?\\b[^.]{0,40}\\bexceed',
    '\\bexceed\\w*\\b[^.]{0,40}\\brates?\\b',
    '\\bexceeded your (?:\\w+ ){0,2}(?:limit|quota)',
    '\\b(?:sending|submission|hourly|daily|connections?) (?:\\w+ ){0,2}(?:limit|quota)',
    '\\bconcurrent (?:\\w+ )?connections\\b[^.]{0,30}\\b(?:limit|exceed)',
    '\\b(?:messages|e-?mails?|mails|recipients|connections) (?:per|an|each) (?:second|minute|hour|day)\\b',
  ].join('|'),
  'i',
);

/** Words of a limit that is one recipient's: slower sending to all the others would not help him. */
const ONE_MAILBOX = /\bmailbox\b|\breceiving\b/i;

/** Words of a server that is going away, or has waited too long for us, whatever we send. */
const OUTAGE =
  /\bshut(?:ting)? ?down\b|\bgoing down\b|\bnot (?:available|active)\b|\bunavailable\b|\bmaintenance\b|\brestart|\btimed?[ -]?out\b|\bidle\b/i;

/** A negative answer of a mail server, and what its code and its words say. */
export class SmtpReply {
  private readonly enhanced: string | undefined;
  private readonly words: string;

  /** @param text the whole reply, code included. */
  constructor(
    readonly status: number,
    readonly text: string,
  ) {
    this.enhanced = ENHANCED_CODE.exec(text)?.[1];
    this.words = text.slice(0, SEARCHED_CHARACTERS).replace(NEXT_LINE, ' ');
  }

  /** What is recorded: the enhanced code if there is one, because it says more. */
  get code(): string {
    return this.enhanced ?? String(this.status);
  }

  /** 503 is about the state of the dialogue; over another connection the same message may pass. */
  get isPermanent(): boolean {
    return this.status >= 500 && this.status !== 503;
  }

  /** The server closes the connection, whatever it was asked (RFC 5321 section 4.2). */
  get isClosing(): boolean {
    return this.status === 421;
  }

  /** It wants a login or TLS first: true for every message, and never about a recipient (RFC 4954, RFC 3207). */
  get wantsLogin(): boolean {
    return [530, 534, 535, 538].includes(this.status);
  }

  /** False if nothing says so. */
  get isAboutThisMessage(): boolean {
    return this.enhanced !== undefined && ABOUT_THIS_MESSAGE.test(this.enhanced);
  }

  /**
   * It wants less at a time. Told by words, and only of 4xx, because no code is reserved for it. Taken for a rate by
   * mistake, the refusal of one recipient would slow the whole mailing down and never be charged; so in doubt it is none.
   */
  get speaksOfRate(): boolean {
    return this.status < 500 && RATE.test(this.words) && !ONE_MAILBOX.test(this.words);
  }

  get speaksOfOutage(): boolean {
    return OUTAGE.test(this.words);
  }
}
