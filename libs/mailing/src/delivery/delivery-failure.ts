import type { HandOver } from './email-message.sender.js';

/** What nodemailer tells about a failure. */
interface TransportError {
  code?: string;
  command?: string;
  responseCode?: number;
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

/** RFC 3463: class, subject, detail. */
const ENHANCED_CODE = /\b[245]\.\d{1,3}\.\d{1,3}\b/;

const SERVICE_NOT_AVAILABLE = 421;

/**
 * Tells what an error of the transport means for the one message it happened to.
 *
 * The order is the order of certainty: an answer of the mail server to this message is a fact; without one, only the
 * evidence that no byte had left us makes it certain that nobody has the message; everything else is in doubt.
 *
 * @param begun whether a byte of the message may have left us; see `HandOverProbe`.
 */
export function toHandOver(error: unknown, begun: boolean): HandOver {
  const {
    code = 'EUNKNOWN',
    command = '',
    responseCode,
    response,
    message,
  } = (error ?? {}) as TransportError;
  const text = (response ?? message ?? String(error)).trim();
  const isAboutSession = SESSION_COMMANDS.test(command) || TRANSPORT_CODES.has(code);

  if (responseCode && !isAboutSession && responseCode !== SERVICE_NOT_AVAILABLE) {
    return {
      kind: 'refused',
      permanent: responseCode >= 500,
      code: ENHANCED_CODE.exec(text)?.[0] ?? String(responseCode),
      text,
    };
  }
  // The body broke off at its source (an attachment is gone), so its end was never sent: nobody has the message.
  if (code === 'ESTREAM') return { kind: 'refused', permanent: true, code, text };
  if (begun) return { kind: 'unknown', code, text };
  if (isAboutSession || responseCode === SERVICE_NOT_AVAILABLE || CONNECTION_CODES.has(code)) {
    return { kind: 'not_begun', blame: 'transport', text };
  }
  if (code === 'EABORT') return { kind: 'not_begun', blame: 'unclear', text: 'no answer in time' };
  // Not sent, and not for want of a connection: the message itself could not be made.
  return { kind: 'refused', permanent: true, code, text };
}
