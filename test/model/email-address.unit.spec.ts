import fc from 'fast-check';
import addressparser from 'nodemailer/lib/addressparser';
import { describe, expect, it } from 'vitest';
import {
  MAX_DISPLAY_NAME,
  mailboxKey,
  parseMailbox,
  parseMailboxes,
  toDisplayName,
} from '../../libs/mailing/src/model/addresses/email-address.js';
import { toOneLine, hasControlCharacters } from '../../libs/mailing/src/model/values/bounded-text.js';

const keyOf = (text: string): string => mailboxKey(parseMailbox(text)?.address ?? `no mailbox: ${text}`);

describe('parseMailbox', () => {
  it.each([
    ['a dot', '.'],
    ['a nought', '0'],
    ['an empty text', ''],
    ['null', null],
    ['undefined', undefined],
    ['a number', 0],
    ['an object', { email: 'ann@home.example' }],
    ['spaces only', '   '],
    ['a stray quote', '"a@b.c'],
    ['a quoted local part', '"ann smith"@home.example'],
    ['two addresses, the second without @', 'a@b,c@d'],
    ['two addresses', 'a@b.example, c@d.example'],
    ['two addresses with semicolon', 'a@b.example;c@d.example'],
    ['two addresses in angle brackets', '<a@b.example> <c@d.example>'],
    ['an address behind a name that is one', 'a@b.example <c@d.example>, e@f.example'],
    ['a group', 'Friends: ann@home.example, bob@home.example;'],
    ['a comment', 'ann@home.example (a@b.example)'],
    ['a comment that is never closed', '"x" a@b.example (" <ann@home.example>'],
    [
      '320 characters',
      `${'a'.repeat(64)}@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(63)}.${'e'.repeat(63)}`,
    ],
    ['a local part of 65 characters', `${'a'.repeat(65)}@home.example`],
    ['a local part of 65 bytes', `${'é'.repeat(33)}@home.example`],
    ['no local part', '@home.example'],
    ['no domain', 'x@'],
    ['two signs', 'a@b@c.example'],
    ['a dot at the start', '.ann@home.example'],
    ['a dot at the end', 'ann.@home.example'],
    ['two dots in a row', 'an..n@home.example'],
    ['a space inside', 'an n@home.example'],
    ['a space inside the domain', 'ann@ho me.example'],
    ['an empty label', 'ann@home..example'],
    ['a hyphen at the edge of a label', 'ann@-home.example'],
    ['an underscore in the domain', 'ann@ho_me.example'],
    ['a label of 64 characters', `ann@${'b'.repeat(64)}.example`],
    ['a line break', 'ann@home.example\r\nBcc: evil@x.example'],
    ['a line break before the address', 'Ann\r\nBcc: evil@x.example\r\n <ann@home.example>'],
    ['a line separator', 'ann\u2028@home.example'],
    ['a NUL', 'ann\u0000@home.example'],
  ])('B3 refuses %s as an address', (_, text) => {
    expect(parseMailbox(text)).toBeNull();
  });

  it.each([
    ['ann@home.example', 'ann@home.example', ''],
    ['  ann@home.example\n', 'ann@home.example', ''],
    ['<ann@home.example>', 'ann@home.example', ''],
    ['Ann <ann@home.example>', 'ann@home.example', 'Ann'],
    ['"Smith, Ann" <ann@home.example>', 'ann@home.example', 'Smith, Ann'],
    ['"Ann \\"The\\" Smith" <ann@home.example>', 'ann@home.example', 'Ann "The" Smith'],
    ['"Ann <of> Bonn" <ann@home.example>', 'ann@home.example', 'Ann <of> Bonn'],
    ['Søren Ångström <soren@home.example>', 'soren@home.example', 'Søren Ångström'],
    ['李雷 <li@home.example>', 'li@home.example', '李雷'],
    ["o'neill+tag_1@home.example", "o'neill+tag_1@home.example", ''],
    ['Ann.Smith@HOME.Example', 'Ann.Smith@home.example', ''],
    ['root@localhost', 'root@localhost', ''],
    ['josé@home.example', 'josé@home.example', ''],
    [`${'a'.repeat(64)}@home.example`, `${'a'.repeat(64)}@home.example`, ''],
  ])('reads %j', (text, address, name) => {
    expect(parseMailbox(text)).toEqual({ address, name });
  });

  it.each([
    ['ann@bücher.example', 'ann@xn--bcher-kva.example'],
    ['ann@BÜCHER.example', 'ann@xn--bcher-kva.example'],
    ['ann@bu\u0308cher.example', 'ann@xn--bcher-kva.example'],
    ['ann@例え.example', 'ann@xn--r8jz45g.example'],
    ['ann@home\u3002example', 'ann@home.example'],
  ])('C4 turns the domain of %j into ASCII', (text, address) => {
    expect(parseMailbox(text)?.address).toBe(address);
  });

  it('takes 254 bytes and refuses 255', () => {
    const address = (length: number): string =>
      `ann@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(63)}.${'e'.repeat(length - 4 - 3 * 64)}`;
    expect(parseMailbox(address(254))?.address).toHaveLength(254);
    expect(parseMailbox(address(255))).toBeNull();
  });
});

describe('the bounds of a mailbox', () => {
  const named = (length: number): string =>
    `"${'a'.repeat(length - '"" <ann@home.example>'.length)}" <ann@home.example>`;

  it('allow 1,000 characters and refuse 1,001, whatever they are', () => {
    expect(parseMailbox(named(1_000))?.address).toBe('ann@home.example');
    expect(parseMailbox(named(1_001))).toBeNull();
    expect(parseMailbox('ann@home.example'.padEnd(1_000))?.address).toBe('ann@home.example');
    expect(parseMailbox('ann@home.example'.padEnd(1_001))).toBeNull();
  });

  it('allow for the longest name, escaped, before the longest address', () => {
    const name = '"'.repeat(MAX_DISPLAY_NAME);
    const address = `${'a'.repeat(64)}@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`;
    expect(address).toHaveLength(254);
    expect(parseMailbox(`"${name.replaceAll('"', '\\"')}" <${address}>`)).toEqual({ address, name });
  });

  it.each([
    ['a quote that is never closed before 50,000 that are escaped', `a "${'\\"'.repeat(50_000)}`],
    ['300,000 of them, and an address at the end', `a "${'\\"'.repeat(300_000)}<ann@home.example>`],
    ['600,000 quotes', '"'.repeat(600_000)],
    ['600,000 opened comments', '('.repeat(600_000)],
    ['600,000 dots', `${'a.'.repeat(300_000)}@home.example`],
    ['600,000 spaces', ' '.repeat(600_000)],
    ['a domain of 600,000 characters', `ann@${'a'.repeat(600_000)}.example`],
    ['an address behind 600,000 characters of a name', `${'a'.repeat(600_000)} <ann@home.example>`],
  ])('refuse %s', (_, text) => {
    expect(parseMailbox(text)).toBeNull();
    expect(parseMailboxes(text)).toBeNull();
  });

  it('read quotes like a backtracking regular expression', () => {
    const QUOTED = /"(?:[^"\\]|\\.)*"/g;
    const isAnn = (text: string): boolean => {
      const parsed = addressparser(text, { flatten: true });
      const atEnd = /^[^<>]*<([^<>]*)>$/.exec(text.replace(QUOTED, ''));
      return (
        parsed.length === 1 && parsed[0].address === 'ann@home.example' && atEnd?.[1] === parsed[0].address
      );
    };
    const units = fc.array(fc.constantFrom('"', '\\', 'a', '<', '>', ' ', '('), { maxLength: 10 });
    fc.assert(
      fc.property(units, units, (before, after) => {
        const text = `b${before.join('')} <ann@home.example>${after.join('')}`.trim();
        expect(parseMailbox(text)?.address === 'ann@home.example').toBe(isAnn(text));
      }),
      { numRuns: 5_000 },
    );
  });

  it('allow 25,000 characters for a list and refuse 25,001', () => {
    const list = (length: number): string => {
      const all = 'ann@home.example,'.repeat(length / 17);
      return `${all}${' '.repeat(length - all.length)}`;
    };
    expect(parseMailboxes(list(25_000))).toHaveLength(1_470);
    expect(parseMailboxes(list(25_001))).toBeNull();
  });
});

describe('a display name', () => {
  it('is one line of at most 255 characters, whatever comes in', () => {
    expect(toDisplayName('  Ann\r\n Smith ')).toBe('Ann Smith');
    expect(toDisplayName('a'.repeat(3_000))).toBe('a'.repeat(MAX_DISPLAY_NAME));
    expect(toDisplayName(`${' \n'.repeat(300_000)}Ann`)).toBe('');
  });

  it('is never cut within a character', () => {
    expect(toDisplayName(`a${'😀'.repeat(200)}`)).toBe(`a${'😀'.repeat(127)}`);
    expect(toDisplayName(`${'a'.repeat(254)} Smith`)).toBe('a'.repeat(254));
  });
});

describe('a plain address', () => {
  // A space before it forces the full parser.
  const lookedAtClosely = (text: string) => parseMailbox(` ${text}`);

  it.each([
    'a@1.2.3',
    'a@0x1',
    'a@home.0x1f',
    'a@1',
    'a@xn--a',
    'a@XN--BCHER-KVA.example',
    'a@x.xn--bcher-kva',
    'a@a--b.example',
    'a@example.',
    `${'a'.repeat(64)}@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`,
    `${'a'.repeat(64)}@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(62)}`,
    'a@\u212a.example',
    'a@home.example\n',
  ])('is parsed as by the full parser: %j', (text) => {
    expect(parseMailbox(text)).toEqual(lookedAtClosely(text));
  });

  it('is parsed as by the full parser, for random texts', () => {
    const units = Array.from('aKz019.-_@+%éſ"').concat('xn--', '0x', '.example');
    const parts = fc.array(fc.constantFrom(...units), { maxLength: 12 }).map((all) => all.join(''));
    fc.assert(
      fc.property(fc.tuple(parts, parts), ([local, domain]) => {
        const text = `${local}@${domain}`;
        expect(parseMailbox(text)).toEqual(lookedAtClosely(text));
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('mailboxKey', () => {
  it.each([
    ['letter case', 'A@x.example', 'a@X.EXAMPLE'],
    ['white space around', 'a@x.example', ' a@x.example '],
    ['a name', 'a@x.example', 'Ann <a@x.example>'],
    ['composed and decomposed letters', 'jos\u00e9@x.example', 'jose\u0301@x.example'],
  ])('C15 is the same for two spellings: %s', (_, one, other) => {
    expect(keyOf(one)).toBe(keyOf(other));
  });

  it('C4 is the same for an IDN and its punycode', () => {
    expect(keyOf('ann@bücher.example')).toBe(keyOf('ann@xn--bcher-kva.example'));
    expect(keyOf('ann@bücher.example')).toBe(keyOf('ANN@XN--BCHER-KVA.EXAMPLE'));
  });

  it('differs for different mailboxes, and fits the column', () => {
    const keys = ['a@x.example', 'b@x.example', 'a@y.example', 'a+1@x.example', 'a.@x.example'].map(
      mailboxKey,
    );
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.every((key) => /^[\w-]{22}$/.test(key))).toBe(true);
  });
});

describe('parseMailboxes', () => {
  it('reads each address of a header value', () => {
    expect(parseMailboxes('Ann <ann@home.example>, "B, ob" <bob@bücher.example>')).toEqual([
      { address: 'ann@home.example', name: 'Ann' },
      { address: 'bob@xn--bcher-kva.example', name: 'B, ob' },
    ]);
  });

  it.each(['', ' ', ',', 'ann@home.example, nobody', 'ann@home.example\r\nX-Evil: 1', null, 5])(
    'refuses %j',
    (text) => {
      expect(parseMailboxes(text)).toBeNull();
    },
  );
});

describe('texts for header lines', () => {
  it.each(['\r', '\n', '\t', '\0', '\x7f', '\x85', '\u2028', '\u2029'])('C1 must not contain %j', (one) => {
    expect(hasControlCharacters(`Ann${one}Smith`)).toBe(true);
    expect(toOneLine(` Ann${one}${one} Smith `)).toBe('Ann Smith');
  });

  it('may contain letters of any script and emoji', () => {
    const text = 'Zoë Ångström 李雷 👩‍🚀';
    expect(hasControlCharacters(text)).toBe(false);
    expect(toOneLine(text)).toBe(text);
  });
});
