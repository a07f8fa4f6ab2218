import type { SettledStatus } from './recipient-status.js';

/** The recipient that a message was made for; kept in memory only. */
export interface Contact {
  address: string;
  /** Set for profiles. */
  userId?: string;
  /** The mail server said permanently that there is no such user. */
  isUnknown?: boolean;
}

/**
 * What a refusal is about, if its code or its words say so; the error guard weighs it by that.
 *
 * - `recipient`: this recipient's own address or mailbox.
 * - `greylisted`: neither the recipient nor the sender; the mail server wants a second attempt.
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
  /** Absent if the answer does not say it: the failure may be the sender's fault. */
  subject?: RefusalSubject;
}

/** A recipient that was refused for now. It is an attempt, and no outcome yet. */
export interface Deferral {
  idx: number;
  code: string;
  text: string;
  /** Time from now to its next attempt. */
  delayMs: number;
}

/** Column width of `error_text`. */
export const MAX_ERROR_TEXT = 1000;

/** What became of one attempt: an outcome, a reason to try again, or the proof that nothing was handed over. */
export type Attempt =
  | { kind: 'settled'; outcome: Outcome }
  /** A temporary refusal of this recipient, or of the host to make its attachments: a later attempt may succeed. The attempt counts. */
  | { kind: 'temporary'; idx: number; code: string; text: string; subject?: RefusalSubject }
  /**
   * Nothing was handed over. The values of `blame`, in this order: the transport is down; the mail server wants less at a time; it is
   * unclear whether the transport or this recipient is at fault; there was no time left to begin. The recipient goes back untouched and no
   * attempt is counted. Exception: `unclear` counts as an attempt, unless the run is stopping or the transport is known to be down.
   */
  | {
      kind: 'returned';
      idx: number;
      blame: 'transport' | 'throttle' | 'unclear' | 'none';
      reason: string;
      /** With `throttle`: how long the mail server asks to wait. */
      retryAfterMs?: number;
    };

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

/** Codes of our own errors, from before anything was handed over: they say nothing about the transport. */
const OURS: readonly (string | null)[] = [
  'attachments',
  'envelope',
  'headers',
  'template',
  'unsubscribe',
  'parameter_processor',
];

/** Whether the mail server gave an answer, whatever it was. */
export function wasAnswered({ status, code }: Outcome): boolean {
  return status === 'sent' || (status === 'error' && !OURS.includes(code));
}

/** Code of an attempt during which the mail server fell silent before it had the message. */
export const NO_ANSWER = 'timeout';

/** Whether the mail server may have seen anything of the message. */
export function wasTried(attempt: Attempt): boolean {
  if (attempt.kind === 'settled') return !OURS.includes(attempt.outcome.code);
  return attempt.kind !== 'temporary' || isRefusal(attempt);
}

/** Whether the mail server said it, and not a function of the host. */
export function isRefusal({ code }: Extract<Attempt, { kind: 'temporary' }>): boolean {
  return !OURS.includes(code);
}
