import { inspectValue } from '../errors/mailing.error.js';
import { kindOf, numberOrKindOf } from '../values/value-kind.js';
import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { MailingOptionsError } from './setup.errors.js';
import { hasControlCharacters } from '../values/bounded-text.js';

// Each of these throws a MailingOptionsError that names the option and what it has to be.

export function whole(option: string, value: number, low: number, high: number, lowIs?: string): number {
  if (!Number.isInteger(value) || value < low || value > high) {
    const bound = lowIs ? `${low} (${lowIs})` : `${low}`;
    throw new MailingOptionsError(
      option,
      `a whole number from ${bound} to ${high}`,
      value,
      numberOrKindOf(value),
    );
  }
  return value;
}

export function flag(option: string, value: boolean): boolean {
  if (typeof value !== 'boolean') throw new MailingOptionsError(option, 'true or false', value);
  return value;
}

export function text(option: string, value: string, longest: number): string {
  if (typeof value !== 'string' || value.trim() === '' || value.length > longest) {
    throw new MailingOptionsError(option, `a text of 1 to ${longest} characters`, value);
  }
  return value;
}

export function aClass<T>(option: string, value: T | null, expected = 'a class'): T | null {
  if (value !== null && typeof value !== 'function') throw new MailingOptionsError(option, expected, value);
  return value;
}

export function sign(option: string, value: string, longest: number): string {
  const checked = text(option, value, longest);
  if (checked.length > longest || hasControlCharacters(checked))
    throw new MailingOptionsError(option, `1 to ${longest} characters in one line`, value);
  return checked;
}

export function folder(option: string, path: string): string {
  if (
    typeof path !== 'string' ||
    !isAbsolute(path) ||
    !statSync(path, { throwIfNoEntry: false })?.isDirectory()
  ) {
    // A path is what is looked for when it is wrong; any other text may be a secret in the wrong place.
    const got = typeof path === 'string' && isAbsolute(path) ? inspectValue(path) : kindOf(path);
    throw new MailingOptionsError(option, 'the absolute path of a folder that exists', path, got);
  }
  return path;
}
