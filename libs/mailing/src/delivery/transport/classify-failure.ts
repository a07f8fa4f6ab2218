import type { HandOver } from '../../model/ports/email-message.sender.js';
import { SmtpReply } from './smtp-reply.js';
import { reasonOf } from '../../model/values/public-text.js';
import type { Reach } from './reach.js';

/** What nodemailer reports about a failure. A host's own transport may put anything into these fields. */
interface TransportError {
  code: string;
  command: string;
  responseCode: number;
  response?: string;
  message?: string;
}

/** Commands before any message. A refusal there is about us, not about the recipient. */
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

/** Characters of a reply that are examined; `error_text` keeps fewer. nodemailer accepts a megabyte. */
const MAX_ANSWER = 4_096;

/** Error text of messages that wait in a pool when it is closed; this error has no code. */
const POOL_CLOSED = 'Connection pool was closed';

/**
 * Classifies an error of the transport for the one message it happened to.
 *
 * The checks go from certain to uncertain: a reply of the mail server to this message is a fact; without one, only the proof that no byte of the
 * body had left us makes it certain that no copy exists; everything else is in doubt.
 */
export function classifyFailure(error: unknown, reached: Reach): HandOver {
  const failure = transportErrorOf(error);
  const handOver = handOverOf(failure, failure.response ?? failure.message ?? reasonOf(error), reached);
  const isLogin = failure.code === 'EAUTH' || failure.command.startsWith('AUTH');
  if (handOver.kind !== 'not_begun' || !isLogin) return handOver;
  // Servers seldom name the login as the cause, and only the host can correct it.
  return { ...handOver, text: `the login was refused: ${handOver.text}` };
}

function handOverOf(failure: TransportError, words: string, reached: Reach): HandOver {
  const { code, command, responseCode, response, message } = failure;
  const text = words.slice(0, MAX_ANSWER).trim();
  const isAboutSession = SESSION_COMMANDS.test(command) || TRANSPORT_CODES.has(code);

  // Once the body has begun, a reply that nodemailer attributes to the session (for example a line that broke off) is no answer to the body.
  if (responseCode >= 400 && !(reached === 'body' && isAboutSession)) {
    return fromReply(new SmtpReply(responseCode, text), reached, isAboutSession);
  }
  // The body could not be read to its end (an attachment is gone), so its end was never sent: no copy exists.
  if (code === 'ESTREAM') return { kind: 'refused', permanent: true, code, text };
  if (reached === 'body') return { kind: 'unknown', code, text };
  // A reply without a code, or with one out of place, means that the dialogue failed.
  if (isAboutSession || CONNECTION_CODES.has(code) || response !== undefined || message === POOL_CLOSED) {
    return { kind: 'not_begun', blame: 'transport', text };
  }
  if (code === 'EABORT') return { kind: 'not_begun', blame: 'unclear', text: 'no answer in time' };
  // Not sent, and the connection is not the cause: the message itself could not be made.
  return { kind: 'refused', permanent: true, code, text };
}

function transportErrorOf(error: unknown): TransportError {
  const { code, command, responseCode, response, message } = (error ?? {}) as Record<string, unknown>;
  return {
    // A DOMException has a number here.
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

/** A negative reply leaves no doubt: no copy exists (RFC 5321 section 4.2.5). Only what it is about has to be found out. */
function fromReply(reply: SmtpReply, reached: Reach, isAboutSession: boolean): HandOver {
  const { code, text, subject } = reply;
  const refused: HandOver = { kind: 'refused', permanent: reply.isPermanent, code, text };
  if (subject !== undefined) refused.subject = subject;
  // The sender's quota is used up. This holds for every message until the quota is raised or renewed, so it is temporary, whatever the code.
  if (reply.isPermanent && !isAboutSession && reply.speaksOfQuota) return { ...refused, permanent: false };
  // In a pipelined dialogue nodemailer attributes a 421 to the connection, whichever command it answers.
  const isInDialogue = !isAboutSession || (reached === 'session' && reply.isClosing);
  if (isInDialogue && reply.isAboutThisMessage) return refused;
  if (reply.speaksOfRate) return { kind: 'throttled', code, text };
  // A reply to the body may be about its content. It counts as an attempt, or the message would be retried for ever.
  if (reached === 'body') return refused;
  if (reply.isClosing && !reply.speaksOfOutage) return { kind: 'throttled', code, text };
  if (reply.isClosing || isAboutSession || reply.wantsLogin) {
    return { kind: 'not_begun', blame: 'transport', text };
  }
  return refused;
}
