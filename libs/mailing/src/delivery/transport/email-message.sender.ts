import type { Mailbox } from '../../model/addresses/email-address.js';
import type { RefusalSubject } from '../../model/states/outcome.js';
import type { TemplateEmailAttachment } from '../../model/mail/template-email-info.js';

/** One finished message: nothing in it is rendered or looked up any more. */
export interface EmailMessage {
  /** Deterministic, the same in each attempt; with angle brackets. */
  messageId: string;
  from: Mailbox;
  to: Mailbox;
  replyTo?: Mailbox[];
  cc?: Mailbox[];
  bcc?: Mailbox[];
  subject: string;
  html?: string;
  text?: string;
  headers: Record<string, string>;
  attachments?: (TemplateEmailAttachment & { encoding?: 'base64' })[];
}

/** What is known about a message after the attempt to hand it over. */
export type HandOver =
  /** The mail server took it. */
  | { kind: 'accepted' }
  /**
   * The mail server refused it, or it could not be made: no copy of it exists. `permanent` false: it might work later. `subject`: what the
   * refusal is about, where it says so.
   */
  | { kind: 'refused'; permanent: boolean; code: string; text: string; subject?: RefusalSubject }
  /** The mail server wants less at a time (421, or 4xx that speaks of a rate): nobody has it, and it is nobody's fault. */
  | { kind: 'throttled'; code: string; text: string }
  /** The transport was down or silent before the first byte of the message, or it might not begin: nobody has it. */
  | { kind: 'not_begun'; blame: 'transport' | 'unclear' | 'nobody'; text: string }
  /** The message was on its way when the answer got lost: it may have been taken. */
  | { kind: 'unknown'; code: string; text: string };

/**
 * Announces that a message is about to leave. What it returns is called right before the first byte leaves that may make the mail
 * server take it; what was announced in between is written down in one go. If one of the two throws, that byte must not leave.
 */
export type Begin = () => () => void;

/**
 * Longest inquiry of a sender of ours, in milliseconds: twice what nodemailer itself grants a greeting. Shorter, and a server that greets
 * slowly would never be found up again.
 */
export const PROBE_TIMEOUT_MS = 60_000;

/** The seam to transports. */
export interface EmailMessageSender {
  /** Whether `send` calls `begin`. A message of one that does not counts as begun when `send` is called. Default: false. */
  readonly callsBegin?: boolean;

  /**
   * Hands one message over and waits for the answer.
   *
   * Never rejects: every failure is one of the four answers. Never hands a message over twice by itself. When `signal`
   * aborts, it stops as soon as it can and answers what is known.
   *
   * @param begin to be called when nothing but that is left to do.
   */
  send(message: EmailMessage, signal: AbortSignal, begin?: Begin): Promise<HandOver>;

  /**
   * Asks the transport whether it would take messages now, without sending one. Never rejects.
   *
   * @returns null if it would (or can't be asked), else why not, in one line.
   */
  probe(): Promise<string | null>;
}

/** A sender that looks at the host's parts once everything is put together. */
export interface PreparedSender extends EmailMessageSender {
  /** @throws whatever makes sending impossible, at start and not with the first message. */
  prepare(): void;
}

/** Injection token of the sender in use. */
export const EMAIL_MESSAGE_SENDER = Symbol('EMAIL_MESSAGE_SENDER');
