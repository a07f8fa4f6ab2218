import { answerWithin } from '../values/deadline.js';
import { reasonOf } from '../values/public-text.js';
import { isThenable } from '../values/thenable.js';
import { kindOf } from '../values/value-kind.js';
import { MailingError } from '../errors/mailing.error.js';

/** Longest wait for an answer of the host where no option says otherwise; the default of `run.hostCallTimeoutMs`. */
export const HOST_CALL_TIMEOUT_MS = 30_000;

/**
 * A function of the host did not answer in time. What it answers later is ignored.
 *
 * @nextStep Make it answer or reject in time, or raise the option that the message names.
 */
export class HostSilentError extends MailingError {
  readonly code = 'MAILING_HOST_SILENT';

  constructor(
    /** Name of the function, for example `ProfileRepository.findByIds`. */
    readonly call: string,
    readonly timeoutMs: number,
    /** Name of the option that sets `timeoutMs`; null: the time is fixed. */
    readonly option: string | null = 'run.hostCallTimeoutMs',
  ) {
    const [by, orRaise] = option === null ? ['', ''] : [` (${option})`, ', or raise the option'];
    super(`${call}: no answer within ${timeoutMs} ms${by}. Make it answer or reject in time${orRaise}.`);
  }
}

/** A function of the host answered with something else than its type says. */
export class HostAnswerError extends MailingError {
  readonly code = 'MAILING_HOST_ANSWER';

  constructor(
    /** Name of the function, for example `ProfileRepository.findByIds`. */
    readonly call: string,
    readonly expected: string,
    /** In words, never the value itself. */
    readonly got: string,
  ) {
    super(`${call}: expected ${expected}, got ${got}. Correct what it returns.`);
  }
}

/** How a function of the host is called. */
export interface HostCallTerms {
  /** Its name, for the error, for example `ProfileRepository.findByIds`. */
  call: string;
  timeoutMs: number;
  /** Name of the option that sets `timeoutMs`; null: the time is fixed. Default: `run.hostCallTimeoutMs`. */
  option?: string | null;
  /** Aborts when the answer is not needed any more. */
  stop?: AbortSignal;
}

/**
 * Calls a function of the host, whose answer may be a promise.
 *
 * Every function of the host is called by one of the functions of this file: `callHost` or `askHost` if the caller may wait for the answer,
 * `takeFromHost` if it may not wait, `tellHost` if it needs no answer.
 *
 * @returns the answer at once if it is no promise: waiting for each message would cost more than most answers.
 * @throws HostSilentError after `timeoutMs`; the reason of `stop`; whatever the function throws or rejects with.
 */
export function callHost<T>(
  { call, timeoutMs, option, stop }: HostCallTerms,
  ask: () => T | PromiseLike<T>,
): T | Promise<T> {
  const answer = enter(ask);
  return isThenable(answer)
    ? answerWithin(answer, timeoutMs, () => new HostSilentError(call, timeoutMs, option), { stop })
    : answer;
}

/**
 * Calls a function of the host and waits for its answer, for at most `timeoutMs`. For the plugin and its parts.
 *
 * @throws HostSilentError after `timeoutMs`; the reason of `stop` (the function is not called if `stop` has aborted before); whatever the
 * function throws or rejects with.
 *
 * @example
 * ```ts
 * declare const profiles: ProfileRepository;
 * const terms = { call: 'ProfileRepository.findByIds', timeoutMs: HOST_CALL_TIMEOUT_MS };
 * const found = await askHost(terms, () => profiles.findByIds(['c-17']));
 * ```
 */
export async function askHost<T>(terms: HostCallTerms, ask: () => T | PromiseLike<T>): Promise<T> {
  terms.stop?.throwIfAborted();
  return callHost(terms, ask);
}

/**
 * Calls a function of the host whose answer is needed at once. For the plugin and its parts.
 *
 * @param refuse makes the error if the answer is a promise, which it is given. That promise is not awaited, and its outcome is ignored.
 * @throws what `refuse` makes; whatever the function throws.
 *
 * @example
 * ```ts
 * declare const idOf: (order: object) => string;
 * const id = takeFromHost(
 *   () => idOf({ number: 17 }),
 *   () => new TypeError('idOf has to answer at once'),
 * );
 * ```
 */
export function takeFromHost<T>(take: () => T, refuse: (promise: PromiseLike<unknown>) => Error): T {
  const answer = enter(take);
  if (!isThenable(answer)) return answer;
  ignoreOutcomeOf(answer);
  throw refuse(answer);
}

/**
 * Calls a function of the host, waits for nothing, and never throws. For the plugin and its parts.
 *
 * @param failed called with what the function throws or rejects with, and with its message.
 *
 * @example
 * ```ts
 * declare const listener: (orderId: string) => unknown;
 * tellHost(
 *   () => listener('o-17'),
 *   (error, reason) => console.warn(`A listener fails: ${reason}`),
 * );
 * ```
 */
export function tellHost(tell: () => unknown, failed: (error: unknown, reason: string) => void): void {
  const onFailure = (error: unknown): void => failed(error, reasonOf(error));
  try {
    const answer = enter(tell);
    if (isThenable(answer)) Promise.resolve(answer).catch(onFailure);
  } catch (error) {
    onFailure(error);
  }
}

/** As `askHost`, without a deadline: the caller keeps one of its own. */
export function askHostUntimed<T>(ask: () => T | PromiseLike<T>): Promise<T> {
  try {
    return Promise.resolve(enter(ask));
  } catch (error) {
    return Promise.reject(error as Error);
  }
}

/** For a promise that was returned where none is allowed: its rejection must not end the process. */
export function ignoreOutcomeOf(promise: PromiseLike<unknown>): void {
  Promise.resolve(promise).catch(() => undefined);
}

/** @throws HostAnswerError unless the answer is an instance of that class. */
export function assertAnswer<T>(call: string, expected: string, type: new () => T, answer: unknown): void {
  if (!(answer instanceof type)) throw new HostAnswerError(call, expected, kindOf(answer));
}

/** The one place where control passes to the host. */
function enter<T>(call: () => T): T {
  return call();
}
