import { compile, type FormatCallback, type HtmlToTextOptions } from 'html-to-text';
import { RenderedTooLongError } from '../../model/errors/bound.errors.js';
import type { TextOptions } from '../../model/options/content-options.js';
import { flatText } from './flat-text.js';
import { isTooComplex } from './html-complexity.js';

export type TextSettings = Required<TextOptions>;

export const DEFAULT_TEXT: TextSettings = { lineWidth: 78, indentWidth: 1, hrChar: '-', liChar: '*' };

/** Of a rule where lines have no width. */
const RULE_WIDTH = 40;

/** Characters of html that a text is made of; html-to-text would leave out what is behind them. */
const MAX_HTML = 16 * 1024 * 1024;

/**
 * What html-to-text is given. It calls itself for each element within another, and overflows the stack at some 2,000; its parser takes a
 * time that grows with the square of the depth. What many elements cost grows faster than their number: 10,000 take a tenth of a second. A
 * newsletter with tables in tables nests about 60, and has some 2,000.
 */
const BOUNDS = { maxDepth: 256, maxElements: 10_000 };

/**
 * Makes what reads html as text: links with their targets, no pictures, no style. Html with more than 10,000 elements, or more than 256
 * within each other, is read more simply, as lines with links.
 *
 * @throws RenderedTooLongError, from what it returns, for over 16,777,216 characters.
 */
export function plainTextWriter(settings: TextSettings): (html: string) => string {
  const read = htmlReader(settings);
  // A text without an element: only what stands for characters is left to be read, and lines are broken as always.
  const readFlat = htmlReader(settings, { preserveNewlines: true });
  const rule = escaped(ruleOf(settings));
  const readSimply = (html: string): string => readFlat(flatText(html, rule));
  return (html) => {
    if (html.length > MAX_HTML) throw new RenderedTooLongError('html', html.length, MAX_HTML);
    if (isTooComplex(html, BOUNDS)) return readSimply(html);
    try {
      return read(html);
    } catch {
      // How much of the stack is left depends on who calls.
      return readSimply(html);
    }
  };
}

function ruleOf({ lineWidth, hrChar }: TextSettings): string {
  return hrChar.repeat(lineWidth || RULE_WIDTH);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function htmlReader(settings: TextSettings, more: HtmlToTextOptions = {}): (html: string) => string {
  const { lineWidth, indentWidth, liChar } = settings;
  const rule: FormatCallback = (_, __, builder) => {
    builder.openBlock({ leadingLineBreaks: 2 });
    builder.addInline(ruleOf(settings));
    builder.closeBlock({ trailingLineBreaks: 2 });
  };
  return compile({
    ...more,
    wordwrap: lineWidth === 0 ? false : lineWidth,
    formatters: { rule },
    // `<` of a flat text takes four characters.
    limits: { maxInputLength: 4 * MAX_HTML },
    selectors: [
      { selector: 'a', options: { hideLinkHrefIfSameAsText: true } },
      { selector: 'img', format: 'skip' },
      { selector: 'hr', format: 'rule' },
      { selector: 'ul', options: { itemPrefix: `${' '.repeat(indentWidth)}${liChar} ` } },
    ],
  });
}
