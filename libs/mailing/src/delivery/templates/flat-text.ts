import { withoutElements } from './dropped-elements.js';
import { elements, htmlPieces } from './html-pieces.js';

/** Elements whose content is not for readers. */
const UNREAD = elements('script style textarea title');

/** Elements that begin a line of their own. */
const BLOCKS = elements(
  'address article aside blockquote center dd div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header li main nav ol p pre section table tr ul',
);

/** Elements with an empty line before and after them. */
const APART = elements('blockquote h1 h2 h3 h4 h5 h6 ol p table ul');

const CELLS = elements('td th');

/** At most so many line breaks in a row are kept. */
const MAX_BREAKS = 10;

const HREF = /\shref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/i;
const WHITE = /\s+/g;

/**
 * Converts html to lines of text, with a rule for `<hr>` and the targets of links in brackets; all other formatting is dropped. For html that is
 * too complex to be read element by element. Character references (`&amp;`) are kept.
 *
 * @param rule stands alone in its line.
 * @param dropped names of elements that are left out, in lower case.
 */
export function flatText(html: string, rule: string, dropped: ReadonlySet<string> = new Set()): string {
  const page = new FlatPage(rule);
  const pieces = htmlPieces(html);
  for (const piece of dropped.size === 0 ? pieces : withoutElements(pieces, dropped)) {
    if (piece.kind === 'text') page.text(piece.source);
    else if (piece.kind === 'open') page.open(piece.name, piece.source);
    else page.close(piece.name);
  }
  return page.end();
}

class FlatPage {
  #out: string[] = [];
  /** Line breaks before what comes next. */
  #breaks = 0;
  #unread: string | null = null;
  /** The target of the open link, and the index in `#out` where its text begins. */
  #link: { href: string; from: number } | null = null;

  constructor(private readonly rule: string) {}

  text(source: string): void {
    if (this.#unread !== null) return;
    if (source.trim() !== '') this.#write(source.replace(WHITE, ' ').replaceAll('<', '&lt;'));
    else if (this.#breaks === 0) this.#space();
  }

  open(name: string, source: string): void {
    // Text before the body is not shown.
    if (name === 'body') this.#begin();
    if (this.#unread !== null) return;
    if (UNREAD.has(name)) this.#unread = name;
    else if (name === 'br') this.#breaks = Math.min(this.#breaks + 1, MAX_BREAKS);
    else if (name === 'hr') this.#writeRule();
    else if (name === 'a' && source.endsWith('>')) this.#openLink(source);
    else this.#breakAround(name);
  }

  close(name: string): void {
    if (this.#unread === name) this.#unread = null;
    else if (this.#unread !== null) return;
    else if (name === 'a') this.#closeLink();
    else this.#breakAround(name);
  }

  end(): string {
    this.#closeLink();
    return this.#out.join('');
  }

  #begin(): void {
    this.#out = [];
    this.#breaks = 0;
    this.#unread = null;
    this.#link = null;
  }

  #write(text: string): void {
    if (this.#out.length > 0 && this.#breaks > 0) this.#out.push('\n'.repeat(this.#breaks));
    this.#breaks = 0;
    this.#out.push(text);
  }

  #writeRule(): void {
    this.#breaks = 2;
    this.#write(this.rule);
    this.#breaks = 2;
  }

  #space(): void {
    if (this.#out.length > 0) this.#out.push(' ');
  }

  #openLink(source: string): void {
    this.#closeLink();
    const found = HREF.exec(source);
    const href = found?.[1] ?? found?.[2] ?? found?.[3] ?? '';
    this.#link = { href: href.replace(WHITE, ' ').replaceAll('<', '&lt;').trim(), from: this.#out.length };
  }

  #closeLink(): void {
    if (!this.#link) return;
    const { href, from } = this.#link;
    this.#link = null;
    const text = this.#out.slice(from).join('').trim();
    if (href !== '' && href !== text) this.#write(` [${href}]`);
  }

  #breakAround(name: string): void {
    if (BLOCKS.has(name)) this.#breaks = Math.max(this.#breaks, APART.has(name) ? 2 : 1);
    else if (CELLS.has(name)) this.#space();
  }
}
