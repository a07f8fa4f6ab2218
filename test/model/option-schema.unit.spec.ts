import { describe, expect, it } from 'vitest';
import { group, type OptionSchema, readOptions } from '../../libs/mailing/src/model/options/option-group.js';
import { custom, flag, text, whole, wholeOrNull } from '../../libs/mailing/src/model/options/option-kinds.js';
import { type OptionFault, OptionPlace } from '../../libs/mailing/src/model/options/option-place.js';

interface PumpOptions {
  litres?: number;
  maxLitres?: number;
  label?: string;
  valve?: { isOpen?: boolean };
}

class PumpError extends Error {
  constructor(readonly fault: OptionFault) {
    super(`expected ${fault.option} to be ${fault.expected}, got ${fault.got}`);
  }
}

const AT = new OptionPlace('', (fault) => new PumpError(fault));

const PUMP = {
  litres: whole({ default: 5, min: 1, max: 10 }),
  maxLitres: whole({
    default: { words: '2 × `litres`', of: (pump: { litres: number }) => 2 * pump.litres },
    min: { words: 'litres', of: (pump) => pump.litres },
    max: 100,
  }),
  label: text({ default: null, words: 'none' }),
  valve: group({ isOpen: flag(true) }),
} satisfies OptionSchema<PumpOptions>;

describe('a schema of options', () => {
  const read = (given: unknown): unknown => readOptions(AT, PUMP, given);

  it('fills in defaults, which follow what is given', () => {
    expect(read({})).toEqual({ litres: 5, maxLitres: 10, label: null, valve: { isOpen: true } });
    expect(read({ litres: 7 })).toMatchObject({ maxLitres: 14 });
  });

  it('takes null for absent', () => {
    const nothing = { litres: null, maxLitres: null, label: null, valve: { isOpen: null } };
    expect(read(nothing)).toEqual(read({}));
    expect(read({ ...nothing, valve: null })).toEqual(read({}));
  });

  it.each([
    ['options', undefined, 'an object', 'nothing'],
    ['options', [], 'an object', 'an array'],
    ['valve', { valve: 'open' }, 'an object', 'a text of 4 characters'],
    ['valve.isOpen', { valve: { isOpen: 1 } }, 'true or false', 'a number'],
    ['valve.open', { valve: { open: true } }, 'absent, because the options here are isOpen', 'a boolean'],
    ['toString', { toString: 'x' }, 'absent, because the options here are litres,', 'a text of 1 character'],
    ['label', { label: ' ' }, 'a text that is not empty', 'a text of 1 character'],
    ['maxLitres', { maxLitres: 4 }, 'a whole number from 5 (litres) to 100', 'the number 4'],
  ])('refuses %s of %j by the error class of its place', (option, given, expected, got) => {
    let error: unknown = null;
    try {
      read(given);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(PumpError);
    const { fault } = error as PumpError;
    expect(fault).toMatchObject({ option, got });
    expect(fault.expected).toContain(expected);
  });

  it.each([
    [{ isOpen: true }, 'Give it as valve.isOpen.'],
    [{ isShut: true }, undefined],
  ])('says in which group the unknown option of %j belongs', (given, nextStep) => {
    let fault: OptionFault | null = null;
    try {
      read(given);
    } catch (error) {
      ({ fault } = error as PumpError);
    }
    expect(fault?.nextStep).toBe(nextStep);
  });

  it('compiles only with what is in its group: a default, a bound, and the value of a custom option', () => {
    const ofAnother = {
      litres: whole({ default: 5, min: 1, max: 10 }),
      // @ts-expect-error PumpOptions have no rate.
      maxLitres: whole({
        default: { words: '2 × `rate`', of: (motor: { rate: number }) => 2 * motor.rate },
        min: 1,
        max: 100,
      }),
      // @ts-expect-error The number of litres is no text.
      label: custom<string, { litres: string }>('text', 'litres', (_, __, { litres }) => litres),
      valve: group({ isOpen: flag(true) }),
    } satisfies OptionSchema<PumpOptions>;
    const mayBeNull = {
      litres: wholeOrNull({ min: 1, max: 10, nullIs: 'null' }),
      // @ts-expect-error Litres may be null here.
      maxLitres: whole({
        default: 1,
        min: { words: 'litres', of: (pump: { litres: number }) => pump.litres },
        max: 9,
      }),
    } satisfies OptionSchema<{ litres?: number | null; maxLitres?: number }>;
    expect([ofAnother, mayBeNull]).toHaveLength(2);
  });
});
