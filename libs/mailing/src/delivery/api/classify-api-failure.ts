import type { HandOver } from '../../model/ports/email-message.sender.js';
import { reasonOf } from '../../model/values/public-text.js';
import { ApiSendError, type ApiVerdict } from './api-send.error.js';

/** Statuses whose verdict is not that of their hundred. */
const VERDICTS: Readonly<Record<number, ApiVerdict>> = {
  // The key, the account, the address of the API or the way there: each message would be answered the same.
  401: 'outage',
  402: 'outage',
  403: 'outage',
  404: 'outage',
  405: 'outage',
  407: 'outage',
  410: 'outage',
  421: 'outage',
  426: 'outage',
  // The request did not arrive in time, or too early, and was not worked on (RFC 9110 section 15.5.9, RFC 8470 section 5.2).
  408: 'later',
  425: 'later',
  // A request with the same key is under way, or was accepted with another content.
  409: 'unknown',
  429: 'throttled',
};

/** Steps of the system that come before the first byte of a request. */
const BEFORE_REQUEST = /^(connect|getaddrinfo|query\w+)$/;

/** Codes of errors before the first byte of a request that name no step. */
const BEFORE_REQUEST_CODES = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'ERR_INVALID_URL',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

const MAX_DEPTH = 5;

type Fields = Record<string, unknown>;

/**
 * Says what is known of a message whose request failed.
 *
 * An answer is judged by its status. Without one, only an error from before the first byte of the request makes it certain that the API does not
 * have the message; everything else is unknown.
 *
 * @param isAborted whether the deadline of the message had passed.
 */
export function classifyApiFailure(error: unknown, isAborted: boolean): HandOver {
  const text = reasonOf(error);
  try {
    const answer = answerOf(error);
    if (answer) return fromVerdict(answer.verdict ?? verdictOf(answer.status), answer, text);
    if (isBeforeRequest(error))
      return { kind: 'not_begun', blame: 'transport', text: deepestReasonOf(error) };
    const code = isAborted ? 'deadline' : codeOf(error);
    return { kind: 'unknown', code, text: deepestReasonOf(error) };
  } catch {
    // The error is an object whose fields can't be read.
    return { kind: 'unknown', code: 'sender', text };
  }
}

function verdictOf(status: number): ApiVerdict {
  if (VERDICTS[status]) return VERDICTS[status];
  if (status >= 400 && status < 500) return 'refused';
  // A redirect that was not followed: the address of the API is another one.
  return status >= 300 && status < 400 ? 'outage' : 'unknown';
}

function fromVerdict(verdict: ApiVerdict, { code, retryAfterMs }: KnownAnswer, text: string): HandOver {
  switch (verdict) {
    case 'refused':
      return { kind: 'refused', permanent: true, code, text };
    case 'later':
      return { kind: 'refused', permanent: false, code, text };
    case 'throttled':
      return { kind: 'throttled', code, text, retryAfterMs };
    case 'outage':
      return { kind: 'not_begun', blame: 'transport', text };
    default:
      return { kind: 'unknown', code, text };
  }
}

interface KnownAnswer {
  status: number;
  code: string;
  retryAfterMs?: number;
  verdict?: ApiVerdict;
}

/** The answer that an error speaks of: ours, or where usual clients put the status of one. Null without a status. */
function answerOf(error: unknown): KnownAnswer | null {
  if (error instanceof ApiSendError) return error;
  if (typeof error !== 'object' || error === null) return null;
  const { status, statusCode, response, $metadata } = error as Fields;
  const places = [status, statusCode, (response as Fields)?.status, ($metadata as Fields)?.httpStatusCode];
  const found = places.find((place): place is number => Number.isInteger(place) && isStatus(place as number));
  return found === undefined ? null : { status: found, code: String(found) };
}

function isStatus(number: number): boolean {
  return number >= 300 && number < 600;
}

/** An error with several causes, as of a host with several addresses, is from before the request only if all of them are. */
function isBeforeRequest(error: unknown, depth = 0): boolean {
  if (typeof error !== 'object' || error === null || depth > MAX_DEPTH) return false;
  const { code, syscall, cause, errors } = error as Fields;
  if (Array.isArray(errors) && errors.length > 0)
    return errors.every((one) => isBeforeRequest(one, depth + 1));
  if (typeof syscall === 'string') return BEFORE_REQUEST.test(syscall);
  if (BEFORE_REQUEST_CODES.has(code as string)) return true;
  return isBeforeRequest(cause, depth + 1);
}

/** `fetch` says only that it failed; why is in the cause. */
function deepestReasonOf(error: unknown): string {
  const { cause } = (error ?? {}) as Fields;
  return cause instanceof Error ? `${reasonOf(error)}: ${reasonOf(cause)}` : reasonOf(error);
}

function codeOf(error: unknown): string {
  const { code, cause, name } = (error ?? {}) as Fields;
  const words = [code, (cause as Fields | undefined)?.code, name];
  return (words.find((word) => typeof word === 'string' && word !== '') as string) ?? 'sender';
}
