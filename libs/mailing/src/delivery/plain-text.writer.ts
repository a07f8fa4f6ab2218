import { compile, type FormatCallback } from 'html-to-text';
import { RenderedTooLongError } from '../model/bound.errors.js';
import type { TextOptions } from '../model/content-options.js';
import { flatHtml } from './flat-html.js';
import { isDeeper } from './html-depth.js';

export type TextSettings = Required<TextOptions>;

export const DEFAULT_TEXT: TextSettings = { lineWidth: 78, indentWidth: 1, hrChar: '-', liChar: '*' };

/** Of a rule where lines have no width. */
const RULE_WIDTH = 40;

/** Characters of html that a text is made of; html-to-text would leave out what is behind them. */
const MAX_HTML = 16 * 1024 * 1024;

/**
 * Elements within each other that html-to-text goes into. It calls itself for each of them, and overflows the stack at some 2,000; its
 * parser takes a time that grows with the square of the depth. A newsletter with tables in tables has about 60.
 */
const MAX_DEPTH = 256;

/**
 * Makes what reads html as text: links with their targets, no pictures, no style. Html that is nested too deep is read as lines with
 * links.
 *
 * @throws RenderedTooLongError, from what it returns, for over 16,777,216 characters.
 */
export function plainTextWriter(settings: TextSettings): (html: string) => string {
  const read = htmlReader(settings);
  return (html) => {
    if (html.length > MAX_HTML) throw new RenderedTooLongError('html', html.length, MAX_HTML);
    if (isDeeper(html, MAX_DEPTH)) return read(flatHtml(html));
    try {
      return read(html);
    } catch {
      // How much of the stack is left depends on who calls.
      return read(flatHtml(html));
    }
  };
}

function htmlReader(settings: TextSettings): (html: string) => string {
  const { lineWidth, indentWidth, hrChar, liChar } = settings;
  const rule: FormatCallback = (_, __, builder) => {
    builder.openBlock({ leadingLineBreaks: 2 });
    builder.addInline(hrChar.repeat(lineWidth || RULE_WIDTH));
    builder.closeBlock({ trailingLineBreaks: 2 });
  };
  return compile({
    wordwrap: lineWidth === 0 ? false : lineWidth,
    formatters: { rule },
    // Of an html that grows while it is made flat nothing is left out either.
    limits: { maxInputLength: 4 * MAX_HTML },
    selectors: [
      { selector: 'a', options: { hideLinkHrefIfSameAsText: true } },
      { selector: 'img', format: 'skip' },
      { selector: 'hr', format: 'rule' },
      { selector: 'ul', options: { itemPrefix: `${' '.repeat(indentWidth)}${liChar} ` } },
    ],
  });
}
