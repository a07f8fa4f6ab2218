import { InvalidArgumentError } from './argument.errors.js';
import { Turns } from '../values/turns.js';
import { numberOrKindOf } from '../values/value-kind.js';

/** Width of the columns that hold the id of a mailing. */
const MAX_MAILING_ID_LENGTH = 36;
/** Width of the columns that hold the id of a server, and of those that hold a claim token. */
export const MAX_SERVER_ID_LENGTH = 255;
export const MAX_TOKEN_LENGTH = 64;
/** Largest idx in a list, and in the columns that hold one. */
export const MAX_IDX = 2 ** 31 - 1;

/**
 * Each id, number and cursor of a public call is checked here before it reaches SQL: with an empty `sql_mode`, MariaDB finds all rows where
 * a text column is compared with `true` or `0`.
 *
 * @throws InvalidArgumentError unless `value` is a text of 1 to `maxLength` characters.
 */
export function checkText(argument: string, value: unknown, maxLength: number, what = 'a text'): void {
  if (!isText(value, maxLength)) throw notText(argument, value, maxLength, what);
}

/** @throws InvalidArgumentError */
export function checkMailingId(argument: string, value: unknown): void {
  const what = 'the mailingId of a handle (mailings sent with persist false have none), a text';
  checkText(argument, value, MAX_MAILING_ID_LENGTH, what);
}

/** @throws InvalidArgumentError */
export function checkWholeNumber(argument: string, value: unknown, min: number, max: number): void {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return;
  const expected = `a whole number from ${min} to ${max}`;
  throw new InvalidArgumentError(argument, expected, value, numberOrKindOf(value));
}

/**
 * JavaScript callers have no type check, and a misread command can't be undone.
 *
 * @throws InvalidArgumentError unless `value` is one of these words.
 */
export function checkOneOf(argument: string, allowed: readonly string[], value: unknown): void {
  if (!allowed.includes(value as string))
    throw new InvalidArgumentError(argument, allowed.join(' or '), value);
}

/** @throws InvalidArgumentError */
export function checkFilter(argument: string, value: unknown): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return;
  throw new InvalidArgumentError(argument, 'an object, or left out', value);
}

/**
 * Yields the event loop regularly, however long the list is.
 *
 * @returns a copy, which the caller can't change after the check.
 * @throws InvalidArgumentError naming the first entry of the list that is no text, or too long.
 */
export async function checkedTexts(argument: string, values: unknown, maxLength: number): Promise<string[]> {
  if (!Array.isArray(values)) throw new InvalidArgumentError(argument, 'an array of texts', values);
  const texts: string[] = [];
  const turns = new Turns();
  const { length } = values;
  for (let n = 0; n < length; n++) {
    if (turns.isOver()) await turns.next();
    const text: unknown = values[n];
    if (!isText(text, maxLength)) throw notText(`${argument}[${n}]`, text, maxLength);
    texts.push(text);
  }
  return texts;
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxLength;
}

function notText(argument: string, value: unknown, maxLength: number, what = 'a text'): InvalidArgumentError {
  return new InvalidArgumentError(argument, `${what} of 1 to ${maxLength} characters`, value);
}
