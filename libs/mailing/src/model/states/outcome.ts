import type { SettledStatus } from './recipient-status.js';

/** Whom a message was made for; kept in memory only. */
export interface Contact {
  address: string;
  /** Set for profiles. */
  userId?: string;
  /** The mail server said for good that there is no such user. */
  isUnknown?: boolean;
}

/**
 * What a refusal is about, where its code or its words say so; the error guard weighs it by that.
 *
 * - `recipient`: this recipient's own address or mailbox.
 * - `greylisted`: neither the recipient nor the sender; the mail server wants a second visit.
 */
export type RefusalSubject = 'recipient' | 'greylisted';

/** What became of one recipient: final, and written once. */
export interface Outcome {
  idx: number;
  status: SettledStatus;
  /** SMTP reply code or a word of ours; null when sent. */
  code: string | null;
  /** For people; cut to `MAX_ERROR_TEXT` when stored. */
  text: string | null;
  /** Absent where no message was made. */
  contact?: Contact;
  /** Absent where nothing says it: the failure may be the sender's fault. */
  subject?: RefusalSubject;
}

/** A recipient that was refused for now: not an outcome yet, but an attempt. */
export interface Deferral {
  idx: number;
  code: string;
  text: string;
  /** From now to its next attempt. */
  delayMs: number;
}

/** Column width of `error_text`. */
export const MAX_ERROR_TEXT = 1000;

/** What became of one attempt: an outcome, a reason to try again, or the proof that nothing was handed over. */
export type Attempt =
  | { kind: 'settled'; outcome: Outcome }
  /** A temporary refusal of this recipient: nobody has the message, it may work later. The attempt counts. */
  | { kind: 'temporary'; idx: number; code: string; text: string; subject?: RefusalSubject }
  /**
   * Nothing was handed over: the transport is down or wants less at a time, or it is unclear whether it or this recipient
   * is to blame; or nobody, because there was no time left to begin. The recipient goes back untouched and no attempt is counted.
   */
  | { kind: 'returned'; idx: number; blame: 'transport' | 'throttle' | 'unclear' | 'nobody'; reason: string };

/** Shorthand for an attempt that ends with a recorded outcome. */
export function settled(
  idx: number,
  status: SettledStatus,
  code: string | null = null,
  text: string | null = null,
  contact?: Contact,
): Attempt {
  return { kind: 'settled', outcome: { idx, status, code, text, contact } };
}

/** Errors of our own, before anything was handed over: they say nothing about the transport. */
const OURS: readonly (string | null)[] = ['template', 'unsubscribe'];

/** Whether the mail server answered it, whatever it answered. */
export function wasAnswered({ status, code }: Outcome): boolean {
  return status === 'sent' || (status === 'error' && !OURS.includes(code));
}

/** Code of an attempt during which the mail server fell silent before it had the message. */
export const NO_ANSWER = 'timeout';

/** Whether the mail server may have seen anything of it. */
export function wasTried(attempt: Attempt): boolean {
  return attempt.kind !== 'settled' || !OURS.includes(attempt.outcome.code);
}
