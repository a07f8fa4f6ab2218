import type { RefusalSubject } from '../../model/states/outcome.js';
import { ReplyWords } from './reply.words.js';

/** RFC 3463: class, subject, detail; it follows the code (RFC 2034). Anywhere else it may be a part of an IP address. */
const ENHANCED_CODE = /^\d{3}[ -]#?([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)/;

/** RFC 3463 subjects that are about an address, a mailbox, this dialogue or this content, and not about our sending rate. */
const ABOUT_THIS_MESSAGE = /^[245]\.[1256]\./;

/**
 * RFC 3463 codes about one recipient: X.1.1 to X.1.4, X.1.6 and X.1.10 are about its address (X.1.5 is an acceptance, X.1.7 and X.1.8 are about
 * the sender), X.2 about its mailbox.
 */
const ABOUT_RECIPIENT = /^[245]\.(?:1\.(?:[12346]|10)|2\.\d+)$/;

/** A negative reply of a mail server, and what its code and its words say. */
export class SmtpReply {
  private readonly enhanced: string | undefined;
  private readonly words: ReplyWords;

  /** @param text the whole reply, code included. */
  constructor(
    readonly status: number,
    readonly text: string,
  ) {
    this.enhanced = ENHANCED_CODE.exec(text)?.[1];
    this.words = new ReplyWords(text);
  }

  /** The code to record: the enhanced code if there is one, because it says more. */
  get code(): string {
    return this.enhanced ?? String(this.status);
  }

  /** 503 is about the state of the dialogue: over another connection the same message may be accepted. */
  get isPermanent(): boolean {
    return this.status >= 500 && this.status !== 503;
  }

  /** The server closes the connection, whichever command it answers (RFC 5321 section 4.2). */
  get isClosing(): boolean {
    return this.status === 421;
  }

  /** It wants a login or TLS first: true for every message, and never about a recipient (RFC 4954, RFC 3207). */
  get wantsLogin(): boolean {
    return [530, 534, 535, 538].includes(this.status);
  }

  /** Whether its enhanced code says so; false without one. */
  get isAboutThisMessage(): boolean {
    return this.enhanced !== undefined && ABOUT_THIS_MESSAGE.test(this.enhanced);
  }

  /** It asks for a lower rate. Recognized by its words, and only in a 4xx, because no code is reserved for it. */
  get speaksOfRate(): boolean {
    return this.status < 500 && this.words.speakOfRate;
  }

  /** A quota of the sender is used up, or its account may not send. */
  get speaksOfQuota(): boolean {
    return this.words.speakOfQuota;
  }

  /** What it is about, if its code or its words say so. */
  get subject(): RefusalSubject | undefined {
    if (!this.isPermanent && this.words.speakOfGreylisting) return 'greylisted';
    if (this.words.speakOfQuota) return undefined;
    const isAboutRecipient =
      this.enhanced === undefined ? this.words.speakOfRecipient : ABOUT_RECIPIENT.test(this.enhanced);
    return isAboutRecipient ? 'recipient' : undefined;
  }

  get speaksOfOutage(): boolean {
    return this.words.speakOfOutage;
  }
}
