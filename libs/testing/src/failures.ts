import { MailingTestingArgumentError } from './mailing-testing.errors.js';

/**
 * What becomes of a message instead of being accepted.
 *
 * - `temporary`: the mail server refuses it for now (450); the recipient is tried again later.
 * - `permanent`: it refuses it for good (550); the recipient ends as an error.
 * - `unreachable`: no connection to the mail server. No attempt is counted; the mailing waits, and tries again. Where the plugin only asks whether the
 *   mail server is there, that counts as one.
 * - `unanswered`: the mail server has the message, and its answer is lost. The recipient is in doubt.
 * - `{ code, text }`: any reply of a mail server, with a code from 400 to 599.
 */
export type Failure =
  'temporary' | 'permanent' | 'unreachable' | 'unanswered' | { code: number; text: string };

/** As nodemailer reports it. */
interface TransportError {
  code: string;
  command: string;
  message: string;
  responseCode?: number;
  response?: string;
}

const WORDS: Record<Exclude<Failure, object>, TransportError> = {
  temporary: replied(450, '4.2.1 The mailbox is busy, try again later'),
  permanent: replied(550, '5.1.1 No such user here'),
  unreachable: { code: 'ECONNECTION', command: 'CONN', message: 'connect ECONNREFUSED' },
  unanswered: { code: 'ECONNECTION', command: 'DATA', message: 'Connection closed unexpectedly' },
};

/** @throws MailingTestingArgumentError if it is none of `Failure`. */
export function checkFailure(failure: unknown): asserts failure is Failure {
  if (typeof failure === 'string' && Object.hasOwn(WORDS, failure)) return;
  const { code, text } = (failure ?? {}) as { code?: unknown; text?: unknown };
  const isReply = Number.isInteger(code) && Number(code) >= 400 && Number(code) <= 599;
  if (isReply && typeof text === 'string') return;
  const expected = `${Object.keys(WORDS).join(', ')}, or { code: 400 to 599, text }`;
  throw new MailingTestingArgumentError('failNext: failure', expected, failure);
}

/** The error that a transport ends with. */
export function errorOf(failure: Failure): Error {
  const { message, ...facts } =
    typeof failure === 'string' ? WORDS[failure] : replied(failure.code, failure.text);
  return Object.assign(new Error(message), facts);
}

function replied(responseCode: number, text: string): TransportError {
  const response = `${responseCode} ${text}`;
  return { code: 'EENVELOPE', command: 'RCPT TO', message: response, responseCode, response };
}
