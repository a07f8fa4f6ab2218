import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineCache } from '../../libs/mailing/src/delivery/mime/line.cache.js';
import { asTheyAre, quotedPrintable } from '../../libs/mailing/src/delivery/mime/line-writers.js';

/** Lines of a template, common to all texts or different in each, with all special cases of the encodings. */
const line = fc.oneof(
  fc.constantFrom('.', '..', '.dot', '', 'Grüße aus Köln', 'a'.repeat(70), 'two\rin one', '<p>Hello</p>\r'),
  fc.constantFrom('x'.repeat(999), 'ü'.repeat(499), 'ü'.repeat(500), 'bell \u0007', '\u{1f600} '.repeat(20)),
  fc.string({ unit: 'grapheme', maxLength: 90 }),
);
const template = fc.array(fc.record({ line, isCommon: fc.boolean() }), { minLength: 1, maxLength: 30 });
const own = fc.array(line, { minLength: 1, maxLength: 5 });

describe('LineCache', () => {
  it.each([
    ['as they are', asTheyAre(true)],
    ['as they are, for nodemailer', asTheyAre(false)],
    ['as quoted-printable', quotedPrintable(true)],
  ])('writes every text as without the cache, %s', (_how, writer) => {
    fc.assert(
      fc.property(
        template,
        fc.array(own, { minLength: 3, maxLength: 8 }),
        fc.boolean(),
        (lines, owns, ends) => {
          const learned = new LineCache(writer);
          for (const mine of owns) {
            const text = lines.map((one, n) => (one.isCommon ? one.line : mine[n % mine.length])).join('\n');
            const whole = ends ? `${text}\n` : text;
            expect(learned.write(whole)).toEqual(new LineCache(writer).write(whole));
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('wraps a last line without a break as one that stands alone', () => {
    const long = 'x'.repeat(999);
    const last = `${'\u00a0'.repeat(2)}${'\u{10000}'.repeat(2)} \u00a0\u0800`;
    const lines = new LineCache(quotedPrintable(true));
    const texts = [1, 2, 3].map(() => lines.write(`${long}\n${last}`)?.wire);
    expect(new Set(texts).size).toBe(1);
    expect(texts[0]?.endsWith(`\r\n${quotedPrintable(true)(last)?.wire}`)).toBe(true);
  });

  it('writes bytes with doubled dots and CRLF line breaks', () => {
    const { wire, isAscii } = new LineCache(asTheyAre(true)).write('.\nKöln\r\n..\rend') ?? {};
    expect(Buffer.from(wire ?? '', 'latin1').toString()).toBe('..\r\nKöln\r\n...\r\nend');
    expect(isAscii).toBe(false);
  });

  it('does not double dots for nodemailer, which does it itself', () => {
    expect(new LineCache(asTheyAre(false)).write('.\n..end')?.wire).toBe('.\r\n..end');
    expect(new LineCache(quotedPrintable(false)).write('.ü\n..end')?.wire).toBe('.=C3=BC\r\n..end');
  });

  it.each([
    ['a line of 999 bytes', `${'x'.repeat(999)}\n`],
    ['a line of 500 letters of two bytes', `ok\n${'ü'.repeat(500)}`],
    ['a control character', 'ring \u0007'],
  ])('returns null for %s, which needs an encoding', (_what, text) => {
    expect(new LineCache(asTheyAre(true)).write(text)).toBeNull();
  });

  it('returns null for these also when all other lines are cached', () => {
    const lines = new LineCache(asTheyAre(true));
    const letter = (name: string): string => `${'constant line of a letter\n'.repeat(20)}Dear ${name}\n`;
    for (const name of ['Ada', 'Ben', 'Cleo']) expect(lines.write(letter(name))).not.toBeNull();
    expect(lines.write(letter('x'.repeat(1_000)))).toBeNull();
    expect(lines.write(letter('\u0007'))).toBeNull();
  });
});
