import { RenderedHeaderError } from '../../model/errors/rendered-header.error.js';
import { toOneLine } from '../../model/values/bounded-text.js';
import {
  HEADER_NAME,
  isStructuredHeader,
  longestWord,
  MAX_HEADER_NAME,
  MAX_HEADER_VALUE,
  MAX_HEADER_WORD,
  MAX_HEADERS,
  RESERVED_HEADERS,
} from '../../model/values/header-words.js';
import { kindOf } from '../../model/values/value-kind.js';

type Headers = Readonly<Record<string, string>>;

/** The further headers of the messages of one mailing. */
export class MessageHeaders {
  /** In lower case, as mail programs compare them. */
  readonly #names: ReadonlySet<string>;
  readonly #constant: Headers;

  /**
   * @param ofMailing its own headers, some of which may be rendered for each recipient.
   * @param always headers that nothing replaces.
   */
  constructor(ofMailing: Headers = {}, always: Headers) {
    this.#names = namesOf(ofMailing);
    this.#constant = { ...ofMailing, ...always };
  }

  /**
   * The headers of one message. A header of the mailing wins over one that the host's function adds, and `own` over both. Empty values leave the
   * header out; line breaks become spaces, as in a subject.
   *
   * @param rendered headers of the mailing, rendered for this recipient.
   * @param added by the host's function.
   * @param own unsubscribe headers.
   * @throws RenderedHeaderError if a rendered or added header can't be sent.
   */
  of(
    rendered: Headers | undefined,
    added: Headers | undefined,
    own: Headers | undefined,
  ): Record<string, string> {
    if (!rendered && !added) return { ...this.#constant, ...own };
    const taken = own ? namesOf(own) : null;
    const headers: Record<string, string> = {};
    for (const [name, value] of checked(added)) {
      const key = name.toLowerCase();
      if (value !== '' && !this.#names.has(key) && !taken?.has(key)) headers[name] = value;
    }
    Object.assign(headers, this.#constant);
    for (const [name, value] of checked(rendered)) {
      if (value === '') delete headers[name];
      else headers[name] = value;
    }
    return Object.assign(headers, own);
  }
}

function namesOf(headers: Headers): Set<string> {
  return new Set(Object.keys(headers).map((name) => name.toLowerCase()));
}

function checked(headers: Headers | undefined): [name: string, value: string][] {
  const given = Object.entries(headers ?? {});
  if (given.length > MAX_HEADERS)
    throw new RenderedHeaderError(null, `at most ${MAX_HEADERS} headers`, String(given.length));
  return given.map(([name, value]) => [checkedName(name), checkedValue(name, value)]);
}

function checkedName(name: string): string {
  if (name.length > MAX_HEADER_NAME || !HEADER_NAME.test(name))
    throw new RenderedHeaderError(
      null,
      `named by printable ASCII without colon, at most ${MAX_HEADER_NAME} characters`,
      kindOf(name),
    );
  if (RESERVED_HEADERS.has(name.toLowerCase()))
    throw new RenderedHeaderError(name, 'a header that the mailing does not write itself', 'this name');
  return name;
}

function checkedValue(name: string, value: unknown): string {
  if (typeof value !== 'string') throw new RenderedHeaderError(name, 'a text', kindOf(value));
  if (value.length > MAX_HEADER_VALUE)
    throw new RenderedHeaderError(name, `at most ${MAX_HEADER_VALUE} characters`, String(value.length));
  const line = toOneLine(value).trim();
  if (isStructuredHeader(name) && longestWord(line) > MAX_HEADER_WORD)
    throw new RenderedHeaderError(
      name,
      `made of words of at most ${MAX_HEADER_WORD} characters`,
      'a longer one',
    );
  return line;
}
