import type { HandOver } from './email-message.sender.js';
import { SmtpReply } from './smtp-reply.js';
import { reasonOf } from '../../model/values/public-text.js';
import type { Reach } from './reach.js';

/** What nodemailer tells about a failure; a transport of the host's own may put anything in these places. */
interface TransportError {
  code: string;
  command: string;
  responseCode: number;
  response?: string;
  message?: string;
}

/** Commands that come before any message; a refusal there is about us, not about the recipient. */
const SESSION_COMMANDS = /^(CONN|EHLO|HELO|LHLO|STARTTLS|AUTH)/;

/** Codes that never say anything about a recipient: the connection could not be made, secured or authorized. */
const TRANSPORT_CODES = new Set([
  'EDNS',
  'ETLS',
  'EREQUIRETLS',
  'EAUTH',
  'ENOAUTH',
  'EOAUTH2',
  'EPROXY',
  'ECONFIG',
]);

/** Codes of a connection that broke or fell silent. */
const CONNECTION_CODES = new Set(['ECONNECTION', 'ESOCKET', 'ETIMEDOUT', 'EPROTOCOL']);

/** Characters of an answer that are looked at; the books keep fewer. nodemailer takes a megabyte. */
const MAX_ANSWER = 4_096;

/** What the messages hear that wait in a pool when it is closed; it bears no code. */
const POOL_CLOSED = 'Connection pool was closed';

/**
 * Tells what an error of the transport means for the one message it happened to.
 *
 * The order is the order of certainty: an answer of the mail server to this message is a fact; without one, only the
 * evidence that no byte had left us makes it certain that nobody has the message; everything else is in doubt.
 */
export function classifyFailure(error: unknown, reached: Reach): HandOver {
  const failure = transportErrorOf(error);
  const handOver = handOverOf(failure, failure.response ?? failure.message ?? reasonOf(error), reached);
  const isLogin = failure.code === 'EAUTH' || failure.command.startsWith('AUTH');
  if (handOver.kind !== 'not_begun' || !isLogin) return handOver;
  // Servers seldom say so themselves, and it is for the host to mend.
  return { ...handOver, text: `the login was refused: ${handOver.text}` };
}

function handOverOf(failure: TransportError, words: string, reached: Reach): HandOver {
  const { code, command, responseCode, response, message } = failure;
  const text = words.slice(0, MAX_ANSWER).trim();
  const isAboutSession = SESSION_COMMANDS.test(command) || TRANSPORT_CODES.has(code);

  // After the body has begun, words that nodemailer does not ascribe to it (a line that broke off) are no answer to it.
  if (responseCode >= 400 && !(reached === 'body' && isAboutSession)) {
    return fromReply(new SmtpReply(responseCode, text), reached, isAboutSession);
  }
  // The body broke off at its source (an attachment is gone), so its end was never sent: nobody has the message.
  if (code === 'ESTREAM') return { kind: 'refused', permanent: true, code, text };
  if (reached === 'body') return { kind: 'unknown', code, text };
  // An answer that is none (of no code, or of one out of place) is a dialogue that went wrong.
  if (isAboutSession || CONNECTION_CODES.has(code) || response !== undefined || message === POOL_CLOSED) {
    return { kind: 'not_begun', blame: 'transport', text };
  }
  if (code === 'EABORT') return { kind: 'not_begun', blame: 'unclear', text: 'no answer in time' };
  // Not sent, and not for want of a connection: the message itself could not be made.
  return { kind: 'refused', permanent: true, code, text };
}

function transportErrorOf(error: unknown): TransportError {
  const { code, command, responseCode, response, message } = (error ?? {}) as Record<string, unknown>;
  return {
    // A number in a DOMException.
    code: typeof code === 'number' ? String(code) : (textOf(code) ?? 'EUNKNOWN'),
    command: textOf(command) ?? '',
    responseCode: Number(typeof responseCode === 'number' ? responseCode : textOf(responseCode)) || 0,
    response: textOf(response),
    message: textOf(message),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** A negative answer leaves no doubt: nobody has the message (RFC 5321 section 4.2.5). What is open is whom it is about. */
function fromReply(reply: SmtpReply, reached: Reach, isAboutSession: boolean): HandOver {
  const { code, text, subject } = reply;
  const refused: HandOver = { kind: 'refused', permanent: reply.isPermanent, code, text };
  if (subject !== undefined) refused.subject = subject;
  // A quota of ours is used up: true for every message until it is raised or begins anew, whatever code says it.
  if (reply.isPermanent && !isAboutSession && reply.speaksOfQuota) return { ...refused, permanent: false };
  // In a pipelined dialogue nodemailer ascribes a 421 to the connection, whichever command it answers.
  const isInDialogue = !isAboutSession || (reached === 'session' && reply.isClosing);
  if (isInDialogue && reply.isAboutThisMessage) return refused;
  if (reply.speaksOfRate) return { kind: 'throttled', code, text };
  // An answer to the whole message may be about what is in it; held against nobody, it would be tried for ever.
  if (reached === 'body') return refused;
  if (reply.isClosing && !reply.speaksOfOutage) return { kind: 'throttled', code, text };
  if (reply.isClosing || isAboutSession || reply.wantsLogin) {
    return { kind: 'not_begun', blame: 'transport', text };
  }
  return refused;
}
