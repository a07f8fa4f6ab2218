import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressFault } from '../../libs/mailing/src/model/addresses/address-fault.js';
import { MAX_MAILBOX_TEXT, parseMailbox } from '../../libs/mailing/src/model/addresses/email-address.js';
import {
  hasOddDots,
  parseRecipient,
  quotedAddress,
} from '../../libs/mailing/src/model/addresses/recipient-address.js';

const UNITS = [
  'a',
  'ann@home.example',
  '@',
  '.',
  '..',
  '"',
  '<',
  '>',
  ',',
  ';',
  ' ',
  '\u200b',
  '\ufeff',
  'mailto:',
  '(',
  ':',
];
const texts = fc.array(fc.constantFrom(...UNITS), { maxLength: 9 }).map((all) => all.join(''));

describe('the address of a recipient', () => {
  it('is parsed like a header address if that is valid', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(parseMailbox(text) ?? parseRecipient(text)).toEqual(parseRecipient(text));
      }),
      { numRuns: 5_000 },
    );
  });

  it('is one address that fits into a header, quoted if needed, or has a fault text', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const mailbox = parseRecipient(text);
        const isOne = /^\.*[a-z][a-z.]*@[a-z]+(\.[a-z]+)*$/.test(mailbox?.address ?? '');
        const hasFault = /^[\w ,@]+$/.test(addressFault(text));
        expect(mailbox ? isOne : hasFault).toBe(true);
        const again = parseRecipient(quotedAddress(mailbox?.address ?? 'ann@home.example'));
        expect(again?.address).toBe(mailbox?.address ?? 'ann@home.example');
      }),
      { numRuns: 5_000 },
    );
  });

  it('is invalid if a text has two', () => {
    for (const between of [',', ';', ' ', ', ', '> <', '\u200b,', ',mailto:', ';;']) {
      expect(parseRecipient(`ann@home.example${between}bob@home.example`)).toBeNull();
      expect(parseRecipient(`.a@home.example${between}b.@home.example,`)).toBeNull();
    }
  });

  it.each([
    ['"ann"@home.example', 'ann@home.example'],
    ['"a.b"@home.example', 'a.b@home.example'],
    ['"a..b"@home.example', 'a..b@home.example'],
    ['Ann <"a."@home.example>', 'a.@home.example'],
  ])('loses its quotes: %s', (text, address) => {
    expect(parseRecipient(text)?.address).toBe(address);
  });

  it.each([
    ['"a\\.b"@home.example'],
    ['"a@b"@home.example'],
    ['"a b"@home.example'],
    ['""@home.example'],
    ['"a"b@home.example'],
    ['..@home.example'],
    ['"."@home.example'],
  ])('is invalid if it needs quotes: %s', (text) => {
    expect(parseRecipient(text)).toBeNull();
  });

  it('has a local part of at most 64 bytes, counting quotes', () => {
    const local = (length: number): string => `a..${'b'.repeat(length - 3)}@home.example`;
    expect(parseRecipient(local(62))?.address).toBe(local(62));
    expect(parseRecipient(local(63))).toBeNull();
    expect(addressFault(local(63))).toContain('the part before the @ has 65 bytes');
  });

  it('has at most 254 bytes, counting quotes', () => {
    const long = (length: number): string =>
      `a..@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(63)}.${'e'.repeat(length - 4 - 3 * 64)}`;
    expect(parseRecipient(long(252))?.address).toBe(long(252));
    expect(parseRecipient(long(253))).toBeNull();
  });

  it('takes 1,000 characters and refuses 1,001, whatever they are', () => {
    const padded = (length: number): string => `mailto:ann@home.example;`.padEnd(length, '\u200b');
    expect(parseRecipient(padded(MAX_MAILBOX_TEXT))?.address).toBe('ann@home.example');
    expect(parseRecipient(padded(MAX_MAILBOX_TEXT + 1))).toBeNull();
    expect(addressFault(padded(MAX_MAILBOX_TEXT + 1))).toBe('it has more than 1,000 characters');
  });

  it.each([[5], [null], [undefined], [{}], [[]], ['']])('is not %j, and has a fault text for it', (value) => {
    expect(parseRecipient(value)).toBeNull();
    expect(addressFault(value)).toMatch(/^it is /);
  });

  it('needs quotes for non-standard dots only', () => {
    expect(['a.b@c.example', 'a@c.d.example'].filter(hasOddDots)).toEqual([]);
    expect(['.a@c.example', 'a.@c.example', 'a..b@c.example'].map(quotedAddress)).toEqual([
      '".a"@c.example',
      '"a."@c.example',
      '"a..b"@c.example',
    ]);
  });
});
