import { elements, FOREIGN, htmlPieces, VOID } from './html-pieces.js';

const IN_PARAGRAPH = elements('p');
const BLOCKS =
  'address article aside blockquote div dl fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr main nav ol p pre section table ul';

/** By the element that begins: the open elements that it ends, because their end tag is optional. As in htmlparser2. */
const ENDS = new Map<string, Set<string>>([
  ...BLOCKS.split(' ').map((name) => [name, IN_PARAGRAPH] as const),
  ['body', elements('head link script')],
  ['li', elements('li')],
  ['dd', elements('dt dd')],
  ['dt', elements('dt dd')],
  ['td', elements('thead th td')],
  ['th', elements('th')],
  ['tr', elements('tr th td')],
  ['tbody', elements('thead tbody')],
  ['tfoot', elements('thead tbody')],
  ['option', elements('option')],
  ['optgroup', elements('optgroup option')],
  ['rt', elements('rt rp')],
  ['rp', elements('rt rp')],
]);

/** Limits of html that is read element by element. */
export interface HtmlBounds {
  /** Levels of nested elements. */
  maxDepth: number;
  /** Elements in all. */
  maxElements: number;
}

/**
 * Whether the html has more elements than the bounds allow, or nests them deeper.
 *
 * The work is bounded by the length of the html: it ends at the first bound that is exceeded, and the list of open elements does not grow beyond
 * `maxDepth`.
 */
export function isTooComplex(html: string, { maxDepth, maxElements }: HtmlBounds): boolean {
  const open: string[] = [];
  let numForeign = 0;
  let numElements = 0;
  const cut = (length: number): void => {
    for (const name of open.splice(length)) if (FOREIGN.has(name)) numForeign--;
  };
  for (const piece of htmlPieces(html)) {
    if (piece.kind === 'text') continue;
    const { kind, name, source } = piece;
    if (kind === 'close') {
      const at = open.lastIndexOf(name);
      if (at >= 0) cut(at);
      continue;
    }
    if (++numElements > maxElements) return true;
    const ended = ENDS.get(name);
    while (ended?.has(open.at(-1) ?? '')) cut(open.length - 1);
    const isForeign = FOREIGN.has(name);
    if (VOID.has(name) || ((isForeign || numForeign > 0) && source.endsWith('/>'))) continue;
    open.push(name);
    if (isForeign) numForeign++;
    if (open.length > maxDepth) return true;
  }
  return false;
}
