import { InvalidArgumentError } from '../../model/errors/argument.errors.js';
import { isIterable } from '../../model/host-calls/source-reading.js';
import { InvalidFieldError } from '../../model/errors/request.errors.js';
import type { EntityManager } from 'typeorm';
import type { SendOptions, TransactionalSendOptions } from '../../model/mail/send-options.js';
import type { MailingTerms } from '../../model/ports/mailing.persister.js';

const MAX_KEY = 255;
const NAMES = [
  'runInSeparateThread',
  'persist',
  'idempotencyKey',
  'sendAt',
  'doNotStartAfter',
  'transaction',
];

/** A list would be one recipient of an unknown kind, and skipped. @throws InvalidArgumentError unless it may be one recipient. */
export function checkUser(user: unknown): void {
  if (typeof user === 'string' || (typeof user === 'object' && user !== null && !isIterable(user))) return;
  throw new InvalidArgumentError('sendEmailToUser: user', 'an address, { email } or { userId }', user);
}

/** The options of a send, with every default filled in. */
export interface CheckedSendOptions {
  runInSeparateThread: boolean;
  persist: boolean;
  terms: MailingTerms;
  /** Of the host; null: the plugin's own. */
  transaction: EntityManager | null;
}

/**
 * Reads the third and fourth argument of `sendEmailMessage`, in either of their forms.
 *
 * @throws InvalidFieldError as `checkSendOptions`; also for a fourth argument beside an options object, which would otherwise be ignored.
 */
export function sendOptionsOf(how: unknown, persist: unknown): CheckedSendOptions {
  if (how === undefined || typeof how === 'boolean')
    return checkSendOptions({
      runInSeparateThread: how,
      persist: persist === undefined ? false : persist,
    } as SendOptions);
  if (persist !== undefined) {
    const expected = 'the only place for it, without a fourth argument';
    throw new InvalidFieldError('persist', expected, persist, 'options');
  }
  return checkSendOptions(how as SendOptions);
}

/**
 * Fills in the defaults.
 *
 * @throws InvalidFieldError naming the first option that is out of its bounds or needs `persist`.
 */
export function checkSendOptions(
  options: SendOptions & Partial<Pick<TransactionalSendOptions, 'transaction'>>,
): CheckedSendOptions {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidFieldError(
      '*',
      'an object, or true or false for runInSeparateThread',
      options,
      'options',
    );
  }
  for (const name of Object.keys(options)) {
    if (NAMES.includes(name)) continue;
    const expected = `absent, because the options here are ${NAMES.join(', ')}`;
    throw new InvalidFieldError(name, expected, (options as Record<string, unknown>)[name], 'options');
  }
  const { runInSeparateThread = true, persist = true } = options;
  const { idempotencyKey, sendAt, doNotStartAfter, transaction } = options;
  for (const name of ['runInSeparateThread', 'persist'] as const) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== 'boolean')
      throw new InvalidFieldError(name, 'true, false or absent', value, 'options');
  }
  for (const name of ['idempotencyKey', 'sendAt', 'doNotStartAfter', 'transaction'] as const) {
    if (options[name] !== undefined && !persist) {
      throw new InvalidFieldError(name, 'absent where persist is false', options[name], 'options');
    }
  }
  if (idempotencyKey !== undefined) checkKey(idempotencyKey);
  if (sendAt !== undefined) checkMoment('sendAt', sendAt);
  if (doNotStartAfter !== undefined) {
    checkMoment('doNotStartAfter', doNotStartAfter);
    if (sendAt && doNotStartAfter < sendAt) {
      throw new InvalidFieldError(
        'doNotStartAfter',
        'a moment not before sendAt',
        doNotStartAfter,
        'options',
      );
    }
  }
  if (transaction !== undefined) checkTransaction(transaction, runInSeparateThread);
  const terms = {
    idempotencyKey: idempotencyKey ?? null,
    sendAt: sendAt ?? null,
    doNotStartAfter: doNotStartAfter ?? null,
    batchSize: null,
  };
  return { runInSeparateThread, persist, terms, transaction: transaction ?? null };
}

function checkTransaction(manager: unknown, runInSeparateThread: boolean): void {
  const { queryRunner } = (manager ?? {}) as Partial<EntityManager>;
  if (queryRunner?.isTransactionActive !== true) {
    const expected = 'the EntityManager of an open transaction, as dataSource.transaction gives it';
    throw new InvalidFieldError('transaction', expected, manager, 'options');
  }
  if (!runInSeparateThread) {
    const expected = 'true or absent with a transaction, because nothing is sent before its commit';
    throw new InvalidFieldError('runInSeparateThread', expected, false, 'options');
  }
}

function checkKey(key: unknown): void {
  // Some collations ignore a space at the end, so that two keys would be equal.
  if (
    typeof key !== 'string' ||
    key.trim() !== key ||
    key === '' ||
    key.length > MAX_KEY ||
    !key.isWellFormed()
  ) {
    const expected = `a text of 1 to ${MAX_KEY} characters without spaces at its ends`;
    throw new InvalidFieldError('idempotencyKey', expected, key, 'options');
  }
}

function checkMoment(name: string, moment: unknown): void {
  if (!(moment instanceof Date) || Number.isNaN(moment.getTime())) {
    throw new InvalidFieldError(name, 'a valid Date', moment, 'options');
  }
}
