import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { NotSerializableError } from '../../libs/mailing/src/model/errors/request.errors.js';
import { toStorable } from '../../libs/mailing/src/model/mail/storable.js';

class Money {
  constructor(readonly cents: number) {}
}

function ring(): unknown {
  const one: Record<string, unknown> = {};
  one.next = { back: one };
  return one;
}

describe('toStorable', () => {
  let counted: unknown;

  it.each([
    ['a function', { go: () => 1 }, 'params.go', 'a function'],
    ['a cycle', ring(), 'params.next.back', 'a cycle'],
    ['a stream', { file: Readable.from(['x']) }, 'params.file', 'an instance of Readable'],
    ['a Map', { byId: new Map([['a', 1]]) }, 'params.byId', 'an instance of Map'],
    ['a Set', { tags: new Set(['a']) }, 'params.tags', 'an instance of Set'],
    ['a bigint', { total: 10n }, 'params.total', 'a bigint'],
    ['a symbol', { kind: Symbol('k') }, 'params.kind', 'a symbol'],
    ['NaN', { rate: NaN }, 'params.rate', 'NaN'],
    ['infinity', { orders: [1, 2, { rate: -Infinity }] }, 'params.orders[2].rate', '-Infinity'],
    [
      'a class instance',
      { orders: [{ total: new Money(5) }] },
      'params.orders[0].total',
      'an instance of Money',
    ],
    ['a promise', { later: Promise.resolve(1) }, 'params.later', 'a promise'],
    ['bytes', { raw: new Uint8Array(2) }, 'params.raw', 'an instance of Uint8Array'],
  ])('refuses %s and names its path', (_, value, path, found) => {
    const attempt = (): unknown => toStorable(value, 'params');
    expect(attempt).toThrow(NotSerializableError);
    expect(attempt).toThrow(expect.objectContaining({ code: 'MAILING_NOT_SERIALIZABLE', path, found }));
    expect(attempt).toThrow(`info.${path}`);
  });

  it('returns well-formed text, also in keys', () => {
    expect(toStorable({ 'a\ud83d': ['b\udc00', 'c🎁'] }, 'params')).toEqual({
      'a\uFFFD': ['b\uFFFD', 'c🎁'],
    });
  });

  it('takes 25 levels and no more', () => {
    const nested = (levels: number): object => {
      let value: object = {};
      for (let n = 1; n < levels; n++) value = n % 2 ? { value } : [value];
      return value;
    };
    expect(toStorable(nested(25), 'params')).toEqual(nested(25));
    for (const levels of [26, 100_000])
      expect(() => toStorable(nested(levels), 'params')).toThrow('a value more than 25 levels deep');
  });

  it('takes 262,144 bytes of JSON and no more, whatever their structure', () => {
    const text = (bytes: number): string => 'x'.repeat(bytes - 2);
    expect(toStorable(text(262_144), 'params')).toHaveLength(262_142);
    const dates = Array.from({ length: 9_709 }, () => new Date(0));
    for (const value of [
      [text(262_142)],
      { a: text(262_138) },
      { a: { toJSON: () => text(262_138) } },
      dates,
    ]) {
      expect(JSON.stringify(value).length).toBe(262_144);
      expect(JSON.stringify(toStorable<unknown>(value, 'params'))).toHaveLength(262_144);
    }
    const tooMuch: unknown[] = [
      text(262_145),
      'ü'.repeat(131_072),
      '"'.repeat(131_072),
      { [text(262_144)]: 1 },
    ];
    // A check that read everything first would never end on these.
    tooMuch.push(
      Object.assign([], { length: 2 ** 32 - 1 }),
      Array.from({ length: 200_000 }, () => 1),
    );
    for (const value of tooMuch)
      expect(() => toStorable(value, 'params')).toThrow('more than 262,144 bytes of JSON');
  });

  it.each([{}, { toJSON: (): unknown => counted }])(
    'reads no more keys than its limit of bytes, also if none has a value',
    (around) => {
      let numReads = 0;
      const keys = Object.fromEntries(Array.from({ length: 300_000 }, (_, n) => [`key${n}`, undefined]));
      counted = new Proxy(keys, { get: (_, key) => void (String(key).startsWith('key') && numReads++) });
      const value = 'toJSON' in around ? around : { counted };
      expect(() => toStorable(value, 'params')).toThrow('more than 262,144 bytes of JSON');
      expect(numReads).toBeGreaterThan(262_000);
      expect(numReads).toBeLessThanOrEqual(262_144);
      expect(toStorable({ a: undefined, b: 1 }, 'params')).toEqual({ b: 1 });
    },
  );

  it('calls a getter and a toJSON once, and never shows a key that may be an address', () => {
    let asked = 0;
    const value = {
      get one() {
        return ++asked;
      },
      two: { toJSON: () => ({ asked: ++asked }) },
    };
    expect(toStorable(value, 'params')).toEqual({ one: 1, two: { asked: 2 } });
    expect(() => toStorable({ 'ann@home.example': { '0': 1n } }, 'params')).toThrow(
      'info.params[…][…] to be',
    );
    const long = Object.fromEntries([['x'.repeat(41), 1n]]);
    expect(() => toStorable(long, 'params')).toThrow('info.params[…] to be');
  });

  it('keeps a key named __proto__', () => {
    const value = JSON.parse('{"__proto__":{"isAdmin":true}}') as object;
    expect(JSON.stringify(toStorable(value, 'params'))).toBe('{"__proto__":{"isAdmin":true}}');
  });

  it('returns the value that a run after a restart reads', () => {
    const value = {
      at: new Date('2026-01-02T03:04:05.678Z'),
      url: new URL('https://shop.example/a b'),
      nothing: null,
      missing: undefined,
      deep: [{ text: '"👩‍🚀"\u2028', yes: true }, -0.5],
    };
    expect(toStorable(value, 'params')).toEqual({
      at: '2026-01-02T03:04:05.678Z',
      url: 'https://shop.example/a%20b',
      nothing: null,
      deep: [{ text: '"👩‍🚀"\u2028', yes: true }, -0.5],
    });
  });

  it('does not mistake the same object in two places for a cycle', () => {
    const address = { city: 'Bonn' };
    const stored = toStorable({ home: address, work: address }, 'params');
    expect(stored).toEqual({ home: { city: 'Bonn' }, work: { city: 'Bonn' } });
  });

  it('C18 returns a copy that later changes of the caller do not reach', () => {
    const params = { names: ['Ann'] };
    const stored = toStorable(params, 'params');
    params.names.push('Bob');
    expect(stored).toEqual({ names: ['Ann'] });
  });

  it('accepts objects without a prototype, null and undefined', () => {
    expect(toStorable(Object.assign(Object.create(null) as object, { a: 1 }), 'params')).toEqual({ a: 1 });
    expect(toStorable(null, 'params')).toBeNull();
    expect(toStorable(undefined, 'params')).toBeUndefined();
  });
});
