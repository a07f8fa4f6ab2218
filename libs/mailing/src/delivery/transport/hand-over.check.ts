import { cutText } from '../../model/values/bounded-text.js';
import { HostAnswerError } from '../../model/host-calls/host-call.js';
import { kindOf } from '../../model/values/value-kind.js';
import type { HandOver } from '../../model/ports/email-message.sender.js';

/** A code that fits the column `error_code` and may go into events and log lines unchanged. */
const CODE = /^[\w.-]{1,64}$/;
/** Code of an answer that has no usable one. */
const NO_CODE = 'sender';

/** Characters of a text that are kept in memory; fewer are stored. */
const MAX_TEXT = 4_096;

/** A server may ask for any time; after an hour it is asked again. */
const MAX_RETRY_AFTER_MS = 3_600_000;

const ACCEPTED: HandOver = { kind: 'accepted' };
const BLAMES: readonly unknown[] = ['transport', 'unclear', 'none'];

/**
 * Checks the answer of a message sender, which may be the host's: its code and text are stored, and its code goes into events.
 *
 * @throws HostAnswerError unless it is a HandOver.
 */
export function checkedHandOver(answer: unknown): HandOver {
  const { kind, code, text, permanent, subject, blame, retryAfterMs } = (answer ?? {}) as Record<
    string,
    unknown
  >;
  // The usual answer has no other fields to check.
  if (kind === 'accepted') return ACCEPTED;
  const words = { code: toCode(code), text: toText(text) };
  switch (kind) {
    case 'refused': {
      const refused: HandOver = { kind, permanent: permanent === true, ...words };
      return subject === 'recipient' || subject === 'greylisted' ? { ...refused, subject } : refused;
    }
    case 'throttled': {
      const isAsked = typeof retryAfterMs === 'number' && retryAfterMs > 0;
      if (!isAsked) return { kind, ...words };
      return { kind, ...words, retryAfterMs: Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) };
    }
    case 'unknown':
      return { kind, ...words };
    case 'not_begun': {
      const known = BLAMES.includes(blame) ? (blame as 'transport') : 'unclear';
      return { kind, blame: known, text: words.text };
    }
    default:
      throw new HostAnswerError('EmailMessageSender.send', 'a HandOver', kindOf(answer));
  }
}

/** The code of an error as it may be stored and emitted; a number is accepted too. */
export function toCode(code: unknown): string {
  const word = typeof code === 'number' ? String(code) : code;
  return typeof word === 'string' && CODE.test(word) ? word : NO_CODE;
}

function toText(text: unknown): string {
  return typeof text === 'string' ? cutText(text, MAX_TEXT) : '';
}
