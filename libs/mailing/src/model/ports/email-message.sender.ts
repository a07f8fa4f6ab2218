import { tokenOf } from '../values/token.js';
import type { Mailbox } from '../addresses/email-address.js';
import type { RefusalSubject } from '../states/outcome.js';
import type { TemplateEmailAttachment } from '../mail/template-email-info.js';

/** One finished message: everything in it is rendered and looked up. */
export interface EmailMessage {
  /** Deterministic, the same in each attempt; with angle brackets. */
  messageId: string;
  from: Mailbox;
  to: Mailbox;
  /** Address for the envelope (`MAIL FROM`), to which bounces go. Default: that of `from`. */
  envelopeFrom?: string;
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
  /** The mail server accepted it. */
  | { kind: 'accepted' }
  /**
   * The mail server refused it, or it could not be made: no copy of it exists. `permanent` false: a later attempt may succeed. `subject`: what
   * the refusal is about, if it says so.
   */
  | { kind: 'refused'; permanent: boolean; code: string; text: string; subject?: RefusalSubject }
  /**
   * The mail server asks for a lower rate (421, or 4xx that speaks of a rate). No copy exists, and no attempt is counted. `retryAfterMs`: how long
   * it asks to wait, if it says so; at most an hour is waited at a time.
   */
  | { kind: 'throttled'; code: string; text: string; retryAfterMs?: number }
  /** The transport was down or silent before the first byte of the message, or the message was not allowed to begin: no copy exists. */
  | { kind: 'not_begun'; blame: 'transport' | 'unclear' | 'none'; text: string }
  /** The message had begun, and no answer is known: the mail server may have accepted it. */
  | { kind: 'unknown'; code: string; text: string };

/**
 * Announces that a message is about to leave. Call the returned function right before the first byte leaves that may make the mail server accept
 * the message: it writes down all announcements made until then in one go. If one of the two throws, that byte must not leave.
 */
export type Begin = () => () => void;

/**
 * Timeout of `probe` in our senders, in milliseconds: twice nodemailer's own timeout for a greeting. If it were shorter, a server that greets
 * slowly would never be found up again.
 */
export const PROBE_TIMEOUT_MS = 60_000;

/**
 * The port to transports: hands over one finished message at a time. Give a class by the option `messageSender`; a provider of the host is
 * used as it is, any other class is instantiated by Nest with its dependencies, and without its life cycle hooks.
 *
 * @example
 * ```ts
 * class LogSender implements EmailMessageSender {
 *   async send({ to, subject }: EmailMessage): Promise<HandOver> {
 *     console.log(`${to.address}: ${subject}`);
 *     return { kind: 'accepted' };
 *   }
 *
 *   async probe(): Promise<string | null> {
 *     return null;
 *   }
 * }
 * ```
 */
export interface EmailMessageSender {
  /**
   * Whether `send` calls `begin`. If not, a message counts as begun when `send` is called. Default: false. A sender that says true and lets a
   * message leave without it is reported (`server:error`), and taken to be one that does not call it.
   */
  readonly callsBegin?: boolean;

  /**
   * Called once at start, within `run.hostCallTimeoutMs`. Default: nothing is prepared.
   *
   * @throws what makes sending impossible, so that the application does not start.
   */
  prepare?(): void | Promise<void>;

  /**
   * Hands one message over and waits for the answer.
   *
   * Never rejects: every failure is one of the other kinds of `HandOver`. Never hands a message over twice by itself. When `signal` aborts, it
   * stops as soon as it can and answers what is known.
   *
   * @param message change nothing in it: messages share parts of it.
   * @param signal aborts after `run.messageTimeoutMs`, or when the process has no more time. An answer is waited for 1 s longer.
   * @param begin call it when everything else is done.
   */
  send(message: EmailMessage, signal: AbortSignal, begin?: Begin): Promise<HandOver>;

  /**
   * Asks the transport whether it would take messages now, without sending one. Never rejects.
   *
   * @returns null if it would (or can't be asked), else why not, in one line.
   */
  probe(): Promise<string | null>;
}

/** A sender that checks the host's parts once the application is assembled. */
export interface PreparedSender extends EmailMessageSender {
  /** @throws what makes sending impossible, so that it fails at start and not with the first message. */
  prepare(): void;
}

/** Injection token of the sender in use. */
export const EMAIL_MESSAGE_SENDER = tokenOf<PreparedSender>('EMAIL_MESSAGE_SENDER');
