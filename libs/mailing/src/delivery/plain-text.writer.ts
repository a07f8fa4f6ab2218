import { compile, type FormatCallback } from 'html-to-text';
import type { TextOptions } from '../model/content-options.js';

export type TextSettings = Required<TextOptions>;

export const DEFAULT_TEXT: TextSettings = { lineWidth: 78, indentWidth: 1, hrChar: '-', liChar: '*' };

/** Of a rule where lines have no width. */
const RULE_WIDTH = 40;

/** Makes what reads html as text: links with their targets, no pictures, no style. */
export function plainTextWriter(settings: TextSettings): (html: string) => string {
  const { lineWidth, indentWidth, hrChar, liChar } = settings;
  const rule: FormatCallback = (_, __, builder) => {
    builder.openBlock({ leadingLineBreaks: 2 });
    builder.addInline(hrChar.repeat(lineWidth || RULE_WIDTH));
    builder.closeBlock({ trailingLineBreaks: 2 });
  };
  return compile({
    wordwrap: lineWidth === 0 ? false : lineWidth,
    formatters: { rule },
    selectors: [
      { selector: 'a', options: { hideLinkHrefIfSameAsText: true } },
      { selector: 'img', format: 'skip' },
      { selector: 'hr', format: 'rule' },
      { selector: 'ul', options: { itemPrefix: `${' '.repeat(indentWidth)}${liChar} ` } },
    ],
  });
}
