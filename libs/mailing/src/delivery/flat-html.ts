import { htmlPieces } from './html-pieces.js';

const words = (text: string): Set<string> => new Set(text.split(' '));

/** Nobody reads what is in these. */
const UNREAD = words('script style textarea title');

/** A line of their own. */
const BLOCKS = words(
  'address article aside blockquote center dd div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header li main nav ol p pre section table tr ul',
);

/** An empty line before and after them. */
const APART = words('blockquote h1 h2 h3 h4 h5 h6 ol p table ul');

const CELLS = words('td th');

const RULE = '<hr>';

/** So many line breaks in a row are kept. */
const MAX_BREAKS = 10;

/**
 * The same text in html that nests nothing: lines, rules, and links with their targets; all else of how it looks is given up. For
 * html that is nested too deep to be looked at element by element.
 */
export function flatHtml(html: string): string {
  const page = new FlatPage();
  for (const piece of htmlPieces(html)) {
    if (piece.kind === 'text') page.text(piece.source);
    else if (piece.kind === 'open') page.open(piece.name, piece.source);
    else page.close(piece.name);
  }
  return page.end();
}

class FlatPage {
  #out: string[] = [];
  #breaks = 0;
  #unread: string | null = null;
  #isInLink = false;

  text(source: string): void {
    if (this.#unread !== null) return;
    if (source.trim() !== '') this.#write(source);
    else if (this.#breaks === 0) this.#space();
  }

  open(name: string, source: string): void {
    // What stands before the body is not shown.
    if (name === 'body') this.#begin();
    if (this.#unread !== null) return;
    if (UNREAD.has(name)) this.#unread = name;
    else if (name === 'br') this.#breaks = Math.min(this.#breaks + 1, MAX_BREAKS);
    else if (name === 'hr') this.#rule();
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
    this.#isInLink = false;
  }

  #write(source: string): void {
    if (this.#isInLine) this.#out.push('<br>'.repeat(this.#breaks));
    this.#breaks = 0;
    this.#out.push(source);
  }

  /** It stands apart by itself. */
  #rule(): void {
    this.#breaks = 0;
    this.#out.push(RULE);
  }

  #space(): void {
    if (this.#isInLine) this.#out.push(' ');
  }

  get #isInLine(): boolean {
    return this.#out.length > 0 && this.#out.at(-1) !== RULE;
  }

  #openLink(source: string): void {
    this.#closeLink();
    this.#write(source);
    this.#isInLink = true;
  }

  #closeLink(): void {
    if (this.#isInLink) this.#out.push('</a>');
    this.#isInLink = false;
  }

  #breakAround(name: string): void {
    if (BLOCKS.has(name)) this.#breaks = Math.max(this.#breaks, APART.has(name) ? 2 : 1);
    else if (CELLS.has(name)) this.#space();
  }
}
