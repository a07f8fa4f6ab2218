import { describe, expect, it } from 'vitest';
import { flatText } from '../../libs/mailing/src/delivery/templates/flat-text.js';
import { isTooComplex } from '../../libs/mailing/src/delivery/templates/html-complexity.js';
import {
  DEFAULT_TEXT,
  plainTextWriter,
} from '../../libs/mailing/src/delivery/templates/plain-text.writer.js';

const toText = plainTextWriter(DEFAULT_TEXT);
const isDeeper = (html: string, maxDepth: number): boolean =>
  isTooComplex(html, { maxDepth, maxElements: Infinity });
const nested = (depth: number, inner: string, tag = 'div'): string =>
  `<${tag}>`.repeat(depth) + inner + `</${tag}>`.repeat(depth);

const LETTER =
  '<h1>News &amp; more</h1><p>Dear <b>Ann</b>,<br>see <a href="https://shop.example/?a=1&amp;b=2">our shop</a>.</p>' +
  '<ul><li>one<li>two</ul><hr><table><tr><td>a</td><td>b</td></tr></table><p>&copy; Größe &#8364; 1 < 2</p>';

describe('the nesting depth of html', () => {
  it.each([
    ['elements in each other', nested(5, 'x'), 5],
    ['elements that are never closed', '<font>'.repeat(5), 5],
    ['those beside each other', '<b>x</b>'.repeat(9), 1],
    ['those that have no end', `${'<br>'.repeat(9)}${'<img src="a">'.repeat(9)}`, 0],
    ['those whose end may be left out', `<ul>${'<li>x'.repeat(9)}</ul>${'<p>x'.repeat(9)}`, 2],
    ['cells whose end may be left out', `<table>${'<tr><td>x<td>y'.repeat(9)}</table>`, 3],
    ['those in a comment', `<!--${'<b>'.repeat(9)}-->`, 0],
    ['those in a style', `<style>${'<b>'.repeat(9)}</style>`, 1],
    ['those in a value', `<b title="${'<b>'.repeat(9)}">x</b>`, 1],
    ['those that end themselves in a picture', `<svg>${'<path/>'.repeat(9)}</svg>`, 1],
    ['those that only seem to end themselves', '<div/>'.repeat(5), 5],
    ['what is no tag', '< b>'.repeat(9) + '<'.repeat(9), 0],
    ['an end without a beginning', `</p></b></div>${nested(2, 'x')}`, 2],
    ['an end that ends several', '<b><i><u></b>'.repeat(5), 3],
  ])('counts %s', (_, html, depth) => {
    expect([isDeeper(html, depth), depth > 0 && isDeeper(html, depth - 1)]).toEqual([false, depth > 0]);
  });
});

describe('a text part made of html', () => {
  it('is unchanged up to a nesting depth of 256', () => {
    expect(toText(nested(254, '<ul><li>one</li></ul>'))).toBe(' * one');
  });

  it.each([257, 2_500, 100_000])(
    'is simplified at a nesting depth of %d: lines, links, rules, no markup',
    (depth) => {
      const text = toText(`<html><head><title>T</title></head><body>${nested(depth, LETTER)}</body></html>`);
      expect(text.split(/\n+/)).toEqual([
        'News & more',
        'Dear Ann,',
        'see our shop [https://shop.example/?a=1&b=2].',
        'one',
        'two',
        '-'.repeat(78),
        'a b',
        '© Größe € 1 < 2',
      ]);
    },
  );

  it.each([
    ['never closed', '<font>'.repeat(50_000) + 'Hello'],
    ['in tables', '<table><tr><td>'.repeat(30_000) + 'Hello'],
    ['in a picture', '<svg>'.repeat(50_000) + '</svg>'.repeat(50_000) + 'Hello'],
    ['in lists', '<ul><li>'.repeat(50_000) + 'Hello'],
    ['in links', '<a>'.repeat(50_000) + 'Hello'],
    ['in what is not shown', `${nested(300, '<script><div></script><style>p{}</style>')}Hello`],
  ])('keeps words in elements %s', (_, html) => {
    expect(toText(html).trim()).toBe('Hello');
  });

  it('is refused for html of which a part would be lost', () => {
    const refused = { code: 'MAILING_RENDERED_TOO_LONG', part: 'html', maxCharacters: 16_777_216 };
    expect(() => toText('x'.repeat(16_777_217))).toThrow(expect.objectContaining(refused));
  });

  it('is simplified for html with more than 10,000 elements', () => {
    expect(toText(`<ul>${'<li>x'.repeat(9_999)}</ul>`)).toContain(' * x\n * x');
    expect(toText('<li>x'.repeat(10_001))).toBe('x\n'.repeat(10_001).trimEnd());
    expect(toText(`${'<b>x</b> '.repeat(200_000)}`).replace(/\s/g, '')).toBe('x'.repeat(200_000));
  });

  it('breaks lines at 78 characters', () => {
    const text = toText(nested(3_000, `<p>${'word '.repeat(1_000)}</p>`));
    expect(Math.max(...text.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(78);
    expect(text.split(/\s+/)).toHaveLength(1_000);
  });

  it('has no markup of html that is cut off', () => {
    const flat = (html: string): string => flatText(html, '-');
    expect(flat('<div')).toBe('');
    expect(flat('<a href="x')).toBe('');
    expect(flat('a <!-- b')).toBe('a ');
    expect(flat('<script>a')).toBe('');
    expect(flat('a<b>1 < 2 &amp; 3</b>')).toBe('a1 &lt; 2 &amp; 3');
    expect(flat('<a href=\'x\' >x</a> <a class=a href=y>z <a href="w">v')).toBe('x z  [y]v [w]');
  });
});
