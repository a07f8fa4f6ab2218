import { describe, expect, it } from 'vitest';
import {
  DEFAULT_TEXT,
  plainTextWriter,
  textWriters,
} from '../../libs/mailing/src/delivery/templates/plain-text.writer.js';

/** More elements than are read one by one, so that html is converted more simply. */
const MANY = '<i></i>'.repeat(10_001);

const CASES: [string, string[], string, string][] = [
  [
    'an element with all that is in it',
    ['nav'],
    '<p>a</p><nav><p>b</p><a href="/">c</a></nav><p>d</p>',
    'a d',
  ],
  ['whatever the letter case', ['nav'], '<p>a</p><NAV>b</NAV><p>c</p>', 'a c'],
  ['one within another of its name', ['div'], '<p>a</p><div>b<div>c</div>d</div><p>e</p>', 'a e'],
  ['several elements', ['nav', 'footer'], '<nav>a</nav><p>b</p><footer>c</footer>', 'b'],
  ['an element without content', ['hr'], '<p>a</p><hr><p>b</p>', 'a b'],
  ['links', ['a'], '<p>a <a href="https://shop.example">b</a> c</p>', 'a c'],
  ['one that is not closed, up to the end of what is around it', ['p'], '<div><p>a</div><span>b</span>', 'b'],
  ['none that is not there', ['nav'], '<p>a</p></nav><p>b</p>', 'a b'],
  ['one with other elements that are not closed', ['nav'], '<nav><b>a<br></nav><p>b</p>', 'b'],
];

describe.each([
  ['element by element', ''],
  ['of html with too many elements', MANY],
])('text %s: dropTags', (_, rest) => {
  it.each(CASES)('leaves out %s', (__, dropTags, html, expected) => {
    const write = plainTextWriter({ ...DEFAULT_TEXT, dropTags });
    expect(write(`<body>${html}${rest}</body>`).replace(/\s+/g, ' ').trim()).toBe(expected);
  });
});

describe('the text options of a mailing', () => {
  const html = '<ul><li>a</li></ul><nav>b</nav>';

  it('come before those of the module; without any, those of the module hold', () => {
    const writerOf = textWriters({ ...DEFAULT_TEXT, liChar: '+' });
    expect(writerOf(undefined)(html)).toBe(' + a\n\nb');
    expect(writerOf({ dropTags: ['nav'], liChar: '#' })(html)).toBe(' # a');
    expect(writerOf(undefined)(html)).toBe(' + a\n\nb');
  });

  it('are given to the converter of the host, with every default, and not to be changed', () => {
    const seen: unknown[] = [];
    const writerOf = textWriters(DEFAULT_TEXT, (given, options) => {
      seen.push(options);
      return `${given.length} ${options.liChar}`;
    });
    expect(writerOf(undefined)(html)).toBe(`${html.length} *`);
    expect(writerOf({ liChar: '#', dropTags: ['nav'] })(html)).toBe(`${html.length} #`);
    expect(seen).toEqual([DEFAULT_TEXT, { ...DEFAULT_TEXT, liChar: '#', dropTags: ['nav'] }]);
    expect(Object.isFrozen(seen[1])).toBe(true);
    expect(Object.isFrozen((seen[1] as typeof DEFAULT_TEXT).dropTags)).toBe(true);
  });

  it.each([
    ['a promise', () => Promise.reject(new Error('later')) as never, 'got a promise'],
    ['nothing', () => undefined as never, 'got nothing'],
  ])('a converter that returns %s is refused', (_, convert, words) => {
    expect(() => textWriters(DEFAULT_TEXT, convert)(undefined)(html)).toThrow(words);
  });
});
