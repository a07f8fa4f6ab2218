import { kindOf, numberOrKindOf } from '../../mailing/src/index.js';
import { LdapOptionsError } from './ldap.errors.js';

/** @throws LdapOptionsError unless `value` is an object with no other names than these. */
export function checkNames(option: string, value: unknown, names: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new LdapOptionsError(option, 'an object', kindOf(value));
  }
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new LdapOptionsError(unknown, `absent, because the options are ${names.join(', ')}`, 'it');
}

/** @throws LdapOptionsError unless it is a text with something in it. */
export function textOf(option: string, value: unknown): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new LdapOptionsError(option, 'a text that is not empty', kindOf(value));
}

/** @throws LdapOptionsError unless it is a whole number within the bounds. */
export function numberOf(option: string, value: unknown, least: number, most: number): number {
  const isRight = Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
  if (isRight) return value as number;
  const got = numberOrKindOf(value);
  throw new LdapOptionsError(option, `a whole number from ${least} to ${most}`, got);
}
