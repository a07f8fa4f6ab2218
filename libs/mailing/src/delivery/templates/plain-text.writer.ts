import { compile, type FormatCallback, type HtmlToTextOptions } from 'html-to-text';
import { RenderedTooLongError } from '../../model/errors/bound.errors.js';
import { HostAnswerError, takeFromHost } from '../../model/host-calls/host-call.js';
import type { TextOptions } from '../../model/mail/text-options.js';
import type { TextConverter } from '../../model/options/content-options.js';
import { kindOf } from '../../model/values/value-kind.js';
import { flatText } from './flat-text.js';
import { isTooComplex } from './html-complexity.js';

export type TextSettings = Required<TextOptions>;

export const DEFAULT_TEXT: TextSettings = {
  lineWidth: 78,
  indentWidth: 1,
  hrChar: '-',
  liChar: '*',
  dropTags: [],
};

const CONVERTER = 'templates.textConverter';

/** Width of a rule if `lineWidth` is 0. */
const RULE_WIDTH = 40;

/** Characters of html that are accepted; html-to-text would leave out the rest. */
const MAX_HTML = 16 * 1024 * 1024;

/**
 * Bounds of html for html-to-text. It recurses for each nested element, and overflows the stack at a depth of some 2,000; the time of its parser
 * grows with the square of the depth. Its total time grows faster than the number of elements: 10,000 take a tenth of a second. A newsletter with
 * tables in tables nests about 60 deep, and has some 2,000 elements.
 */
const BOUNDS = { maxDepth: 256, maxElements: 10_000 };

/**
 * Gives each mailing its function that converts html to text.
 *
 * @param settings of the module.
 * @param converter of the host; null: the plugin converts.
 * @returns takes the text options of a mailing; undefined: those of the module.
 */
export function textWriters(
  settings: TextSettings = DEFAULT_TEXT,
  converter: TextConverter | null = null,
): (own: TextOptions | undefined) => (html: string) => string {
  const writer = (how: TextSettings): ((html: string) => string) =>
    converter ? hostWriter(how, converter) : plainTextWriter(how);
  const common = writer(settings);
  return (own) => (own === undefined ? common : writer({ ...settings, ...own }));
}

/**
 * Makes the function that has the host's converter convert.
 *
 * @throws what the converter throws, HostAnswerError, RenderedTooLongError: from the returned function.
 */
function hostWriter(settings: TextSettings, convert: TextConverter): (html: string) => string {
  const { dropTags, ...others } = settings;
  const options = Object.freeze({ ...others, dropTags: Object.freeze([...dropTags]) });
  return (html) => {
    checkHtml(html);
    const wrong = (got: unknown): HostAnswerError => new HostAnswerError(CONVERTER, 'a text', kindOf(got));
    const text: unknown = takeFromHost(() => convert(html, options), wrong);
    if (typeof text !== 'string') throw wrong(text);
    return text;
  };
}

function checkHtml(html: string): void {
  if (html.length > MAX_HTML) throw new RenderedTooLongError('html', html.length, MAX_HTML);
}

/**
 * Makes the function that converts html to text: links with their targets, no pictures, no style. Html with more than 10,000 elements, or nested
 * more than 256 deep, is converted more simply, to lines with links.
 *
 * @throws RenderedTooLongError, from the returned function, for over 16,777,216 characters.
 */
export function plainTextWriter(settings: TextSettings): (html: string) => string {
  const read = htmlReader(settings);
  // For the output of `flatText`, which has no elements: it decodes character references and wraps lines as usual.
  const readFlat = htmlReader(settings, { preserveNewlines: true });
  const rule = escaped(ruleOf(settings));
  const dropped = new Set(settings.dropTags);
  const readSimply = (html: string): string => readFlat(flatText(html, rule, dropped));
  return (html) => {
    checkHtml(html);
    if (isTooComplex(html, BOUNDS)) return readSimply(html);
    try {
      return read(html);
    } catch {
      // The stack may still overflow: what is left of it depends on the caller.
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
  const { lineWidth, indentWidth, liChar, dropTags } = settings;
  const rule: FormatCallback = (_, __, builder) => {
    builder.openBlock({ leadingLineBreaks: 2 });
    builder.addInline(ruleOf(settings));
    builder.closeBlock({ trailingLineBreaks: 2 });
  };
  return compile({
    ...more,
    wordwrap: lineWidth === 0 ? false : lineWidth,
    formatters: { rule },
    // `flatText` writes `<` as four characters, `&lt;`.
    limits: { maxInputLength: 4 * MAX_HTML },
    selectors: [
      ...[
        { selector: 'a', options: { hideLinkHrefIfSameAsText: true } },
        { selector: 'img', format: 'skip' },
        { selector: 'hr', format: 'rule' },
        { selector: 'ul', options: { itemPrefix: `${' '.repeat(indentWidth)}${liChar} ` } },
      ].filter(({ selector }) => !dropTags.includes(selector)),
      ...dropTags.map((selector) => ({ selector, format: 'skip' })),
    ],
  });
}
