/** A tag, or the text between two of them, as it is written. Comments are left out. */
export type HtmlPiece =
  { kind: 'text'; source: string } | { kind: 'open' | 'close'; name: string; source: string };

/** A set of element names from a text with spaces between them. */
export const elements = (names: string): Set<string> => new Set(names.split(' '));

/** Elements that have no content and no end. */
export const VOID: ReadonlySet<string> = elements(
  'area base basefont br col command embed frame hr img input isindex link meta param source track wbr',
);

/** Inside these, and as these, every element may close itself (`<path/>`). */
export const FOREIGN: ReadonlySet<string> = elements('svg math');

/** Elements whose content is text up to their own end tag, even if it looks like a tag. */
const RAW_ENDS = new Map(
  ['script', 'style', 'textarea', 'title'].map((name) => [name, new RegExp(`</${name}`, 'gi')]),
);

const NAME = /[a-z][^\s/>]*/iy;
/** The end of a tag, or the beginning of a value in it. */
const END_OR_VALUE = />|=\s*(["'])?/g;
/** A `<` before one of these begins a tag or a comment. */
const AFTER_OPENING = /^[a-z/!?]$/i;

/** Cuts html at its tags, in one pass and without a stack, so that neither its length nor its depth matters. */
export function* htmlPieces(html: string): Generator<HtmlPiece, void, undefined> {
  for (let from = 0; from < html.length;) {
    const at = nextTag(html, from);
    if (at > from) yield { kind: 'text', source: html.slice(from, at) };
    if (at === html.length) return;
    const tag = tagAt(html, at);
    from = tag.end;
    if (tag.name === null) continue;
    const source = html.slice(at, from);
    yield { kind: tag.kind, name: tag.name, source };
    const rawEnd = tag.kind === 'open' && !source.endsWith('/>') ? RAW_ENDS.get(tag.name) : undefined;
    if (!rawEnd) continue;
    rawEnd.lastIndex = from;
    const end = rawEnd.exec(html)?.index ?? html.length;
    if (end > from) yield { kind: 'text', source: html.slice(from, end) };
    from = end;
  }
}

function nextTag(html: string, from: number): number {
  for (let at = html.indexOf('<', from); at >= 0; at = html.indexOf('<', at + 1)) {
    if (AFTER_OPENING.test(html[at + 1] ?? '')) return at;
  }
  return html.length;
}

/** @returns the name in lower case; null if it is no tag. */
function tagAt(html: string, at: number): { kind: 'open' | 'close'; name: string | null; end: number } {
  const isClosing = html[at + 1] === '/';
  const kind = isClosing ? 'close' : 'open';
  if (html.startsWith('<!--', at)) return { kind, name: null, end: behind('-->', html, at + 4) };
  NAME.lastIndex = at + (isClosing ? 2 : 1);
  const name = NAME.exec(html)?.[0].toLowerCase() ?? null;
  if (name === null || isClosing) return { kind, name, end: behind('>', html, at) };
  return { kind, name, end: endOfTag(html, NAME.lastIndex) };
}

function behind(end: string, html: string, from: number): number {
  const at = html.indexOf(end, from);
  return at < 0 ? html.length : at + end.length;
}

/** A `>` in a quoted value does not end the tag. */
function endOfTag(html: string, from: number): number {
  END_OR_VALUE.lastIndex = from;
  for (let found = END_OR_VALUE.exec(html); found; found = END_OR_VALUE.exec(html)) {
    if (found[0] === '>') return found.index + 1;
    const quote = found[1];
    if (quote === undefined) continue;
    const end = html.indexOf(quote, END_OR_VALUE.lastIndex);
    if (end < 0) break;
    END_OR_VALUE.lastIndex = end + 1;
  }
  return html.length;
}
