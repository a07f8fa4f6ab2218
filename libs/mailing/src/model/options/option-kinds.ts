import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import type { Type } from '@nestjs/common';
import { inspectValue } from '../errors/mailing.error.js';
import { hasControlCharacters } from '../values/bounded-text.js';
import { kindOf, numberOrKindOf } from '../values/value-kind.js';
import type { OptionPlace } from './option-place.js';

/** A bound or a default that depends on another option of its group. */
export interface Derived<G> {
  /** As docs/options.md and error messages name it, for example `2 × concurrency`. */
  words: string;
  of: (group: G) => number;
}

type Value<G> = number | Derived<G>;

/** One option: its type, bounds and default. `G`: the options of its group that are read before it. */
// oxlint-disable-next-line no-explicit-any
export interface OptionKind<T, G = any> {
  /** For docs/options.md: the type of the value. */
  type: string;
  /** For docs/options.md: the default, in words. */
  defaultWords: string;
  bounds?: { min: Value<G>; max: Value<G>; or?: number };
  /**
   * @param at place of the option.
   * @param given undefined or null: it was not given.
   * @param group values of the options that come before it in the schema.
   * @throws the error of the place, if it is given and wrong, or required and absent.
   */
  read: (at: OptionPlace, given: unknown, group: G) => T;
}

/** @param terms `or`: a value outside the bounds that is accepted, too. */
export function whole<G>(terms: {
  default: Value<G>;
  min: Value<G>;
  max: Value<G>;
  or?: { value: number; words: string };
}): OptionKind<number, G> {
  const { or } = terms;
  return {
    type: 'whole number',
    defaultWords: wordsOf(terms.default),
    bounds: { min: terms.min, max: terms.max, or: or?.value },
    read: (at, given, group) => {
      const value = given ?? numberOf(terms.default, group);
      if (or && value === or.value) return or.value;
      const lowIs = typeof terms.min === 'number' ? or?.words : terms.min.words;
      return wholeNumber(at, value, numberOf(terms.min, group), numberOf(terms.max, group), lowIs);
    },
  };
}

/** @param terms `nullIs`: what null, the default, means. */
export function wholeOrNull(terms: { min: number; max: number; nullIs: string }): OptionKind<number | null> {
  return {
    type: 'whole number, or null',
    defaultWords: terms.nullIs,
    bounds: terms,
    read: (at, given) => ((given ?? null) === null ? null : wholeNumber(at, given, terms.min, terms.max)),
  };
}

export function flag(byDefault: boolean): OptionKind<boolean> {
  return {
    type: 'true or false',
    defaultWords: String(byDefault),
    read: (at, given) => {
      const value = given ?? byDefault;
      if (typeof value !== 'boolean') throw at.wrong('true or false', value);
      return value;
    },
  };
}

/** @param terms `words`: what the default is. `max`: the length of the longest text; absent: any length. */
export function text<T extends string | null>(terms: {
  default: T;
  words: string;
  max?: number;
}): OptionKind<T | string> {
  return {
    type: 'text',
    defaultWords: terms.words,
    read: (at, given) => ((given ?? null) === null ? terms.default : boundedText(at, given, terms.max)),
  };
}

export const requiredText: OptionKind<string> = {
  type: 'text',
  defaultWords: 'required',
  read: (at, given) => boundedText(at, given),
};

/** One of the given words. */
export function word<T extends string>(words: readonly T[], byDefault: T): OptionKind<T> {
  const type = words.map((one) => `\`${one}\``).join(' or ');
  return {
    type,
    defaultWords: `\`${byDefault}\``,
    read: (at, given) => {
      const found = words.find((one) => one === (given ?? byDefault));
      if (found === undefined) throw at.wrong(words.join(' or '), given);
      return found;
    },
  };
}

/** A sign that is drawn in text parts. */
export function sign(maxLength: number, byDefault: string): OptionKind<string> {
  return {
    type: maxLength === 1 ? 'one character' : `1 to ${maxLength} characters`,
    defaultWords: `\`${byDefault}\``,
    read: (at, given) => {
      const value = boundedText(at, given ?? byDefault, maxLength);
      if (hasControlCharacters(value)) throw at.wrong(`1 to ${maxLength} characters in one line`, value);
      return value;
    },
  };
}

/** A provider of the host, or a class that Nest instantiates. */
export function aClass<T>(defaultWords: string): OptionKind<Type<T> | null> {
  return {
    type: 'class',
    defaultWords,
    read: (at, given) => {
      const value = given ?? null;
      if (value !== null && typeof value !== 'function') throw at.wrong('a class', value);
      return value as Type<T> | null;
    },
  };
}

/** The absolute path of a folder that exists; required. */
export const folder: OptionKind<string> = {
  type: 'absolute path',
  defaultWords: 'required',
  read: (at, given) => {
    const isPath = typeof given === 'string' && isAbsolute(given);
    if (!isPath || !statSync(given, { throwIfNoEntry: false })?.isDirectory()) {
      // Show a wrong path, because the host has to correct it. Show nothing else: it may be a misplaced secret.
      const got = isPath ? inspectValue(given) : kindOf(given);
      throw at.wrong('the absolute path of a folder that exists', given, got);
    }
    return given;
  },
};

/** @param read see `OptionKind.read`. */
// oxlint-disable-next-line no-explicit-any
export function custom<T, G = any>(
  type: string,
  defaultWords: string,
  read: OptionKind<T, G>['read'],
): OptionKind<T, G> {
  return { type, defaultWords, read };
}

/** @throws the error of the place if the value is no text of 1 to `maxLength` characters, or only white space. */
export function boundedText(at: OptionPlace, value: unknown, maxLength = Infinity): string {
  if (typeof value === 'string' && value.trim() !== '' && value.length <= maxLength) return value;
  const isBounded = Number.isFinite(maxLength);
  throw at.wrong(isBounded ? `a text of 1 to ${maxLength} characters` : 'a text that is not empty', value);
}

export function wordsOf<G>(value: Value<G>): string {
  return typeof value === 'number' ? value.toLocaleString('en') : value.words;
}

function numberOf<G>(value: Value<G>, group: G): number {
  return typeof value === 'number' ? value : value.of(group);
}

function wholeNumber(at: OptionPlace, value: unknown, low: number, high: number, lowIs?: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high) return value;
  const bound = lowIs ? `${low} (${lowIs})` : `${low}`;
  throw at.wrong(`a whole number from ${bound} to ${high}`, value, numberOrKindOf(value));
}
