import { isPromise } from 'node:util/types';

/** Names of classes that are shown in a message; a longer or stranger name says nothing. */
const CLASS_NAME = /^[A-Za-z_$][\w$]{0,39}$/;

/**
 * Names the kind of a value, for messages that must not show the value: it may be an address, a phone number or a secret. Never throws, and
 * calls no `toString` and no `toJSON` of the value. For the plugin and its parts.
 *
 * @example
 * ```ts
 * const got = kindOf('hunter2'); // 'a text of 7 characters'
 * ```
 */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'undefined':
      return 'nothing';
    case 'string':
      if (value === '') return 'an empty text';
      return value.length === 1 ? 'a text of 1 character' : `a text of ${value.length} characters`;
    case 'number':
      // `NaN`, `Infinity` and `-Infinity` are shown: none of them is an address or a secret.
      return Number.isFinite(value) ? 'a number' : String(value);
    case 'object':
      return kindOfObject(value);
    default:
      return `a ${typeof value}`;
  }
}

/**
 * As `kindOf`, but shows a number: for values that have to be a number within bounds. For the plugin and its parts.
 *
 * @example
 * ```ts
 * const got = numberOrKindOf(0); // 'the number 0'
 * ```
 */
export function numberOrKindOf(value: unknown): string {
  return typeof value === 'number' ? `the number ${value}` : kindOf(value);
}

/** True for what `{}` makes, and for an object without a prototype. May throw for a proxy. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === Object.prototype || prototype === null;
}

function kindOfObject(value: object): string {
  try {
    if (Array.isArray(value)) return 'an array';
    if (isPromise(value)) return 'a promise';
    if (isPlainObject(value)) return 'an object';
    const name: unknown = (Object.getPrototypeOf(value) as { constructor?: { name?: unknown } }).constructor
      ?.name;
    return `an instance of ${typeof name === 'string' && CLASS_NAME.test(name) ? name : 'a class'}`;
  } catch {
    return "an object that can't be read";
  }
}
