import { isMap, isScalar, parseDocument, type Pair } from 'yaml';
import { TemplateFrontMatterError } from '../../model/errors/request.errors.js';

export const HEADER_NAMES = ['from', 'replyTo', 'cc', 'bcc'] as const;
const NAMES: readonly string[] = ['name', 'subject', ...HEADER_NAMES];

/** What a template sets for its mailing; each value is a template itself. */
export type FrontMatter = Partial<Record<'name' | 'subject' | (typeof HEADER_NAMES)[number], string>>;

const FENCE = '---';

/** Characters between the fences. Enough for six values of some lines; longer text does not reach the YAML parser. */
const MAX_CHARACTERS = 16 * 1024;

/**
 * Splits the YAML between two lines of `---` from the beginning of a template.
 *
 * @throws TemplateFrontMatterError if it has no end, more than 16,384 characters, no valid YAML, an unknown key, a key twice, or a value that is
 * no text.
 */
export function splitFrontMatter(
  templateUrl: string,
  source: string,
): { frontMatter: FrontMatter; body: string } {
  const begin = endOfFence(source, 0);
  if (begin < 0) return { frontMatter: {}, body: source };
  const end = closingFence(source, begin);
  if (end < 0) throw new TemplateFrontMatterError(templateUrl, 'its end', 'a line of ---', undefined);
  if (end - begin > MAX_CHARACTERS) {
    const found = `${end - begin} of them`;
    throw new TemplateFrontMatterError(templateUrl, 'it', `at most ${MAX_CHARACTERS} characters`, found);
  }
  return {
    frontMatter: parsed(templateUrl, source.slice(begin, end)),
    body: source.slice(endOfFence(source, end)),
  };
}

/** Index after the line of `---` at `from`; -1 if there is no such line. */
function endOfFence(text: string, from: number): number {
  if (!text.startsWith(FENCE, from)) return -1;
  const at = text.indexOf('\n', from);
  const end = at < 0 ? text.length : at;
  return text.slice(from, end).trimEnd() === FENCE ? Math.min(end + 1, text.length) : -1;
}

function closingFence(text: string, begin: number): number {
  if (endOfFence(text, begin) >= 0) return begin;
  for (let at = text.indexOf(`\n${FENCE}`, begin); at >= 0; at = text.indexOf(`\n${FENCE}`, at + 1)) {
    if (endOfFence(text, at + 1) >= 0) return at + 1;
  }
  return -1;
}

/**
 * All Handlebars sources of a template with front matter, by the names that errors show. The body keeps its lines, so that an error in it names
 * the line of the file.
 *
 * @throws TemplateFrontMatterError as `splitFrontMatter`.
 */
export function handlebarsIn(templateUrl: string, source: string): Record<string, string> {
  const { frontMatter, body } = splitFrontMatter(templateUrl, source);
  const linesBefore = source.slice(0, source.length - body.length).split('\n').length - 1;
  const parts: Record<string, string> = { [templateUrl]: '\n'.repeat(linesBefore) + body };
  for (const [name, value] of Object.entries(frontMatter)) parts[`${templateUrl}: ${name}`] = value;
  return parts;
}

function parsed(templateUrl: string, yaml: string): FrontMatter {
  const values: Record<string, string> = {};
  for (const { key, value } of pairsOf(templateUrl, yaml)) {
    const name = isScalar(key) ? String(key.value) : '?';
    if (Object.hasOwn(values, name))
      throw new TemplateFrontMatterError(templateUrl, 'it', 'without a key twice', name);
    if (!NAMES.includes(name)) {
      const expected = `absent, because the keys are ${NAMES.join(', ')}`;
      throw new TemplateFrontMatterError(templateUrl, name, expected, 'a value');
    }
    const text: unknown = isScalar(value) ? value.value : value;
    if (typeof text !== 'string') {
      const found = text === null ? 'nothing' : 'a map, a list or a reference';
      throw new TemplateFrontMatterError(
        templateUrl,
        name,
        'a text, in quotes where it begins with {{',
        found,
      );
    }
    values[name] = text;
  }
  return values;
}

/**
 * Returns nodes, because converting them to values would follow references. `uniqueKeys` is off, because the parser compares each key with all
 * others.
 */
function pairsOf(templateUrl: string, yaml: string): Pair[] {
  let contents: unknown;
  try {
    // Every scalar is a text here, so `subject: 2026` is one, and `name: no` is not false.
    const document = parseDocument(yaml, { schema: 'failsafe', uniqueKeys: false, logLevel: 'error' });
    if (document.errors.length > 0) throw document.errors[0];
    contents = document.contents;
  } catch (error) {
    throw new TemplateFrontMatterError(templateUrl, 'it', 'YAML', undefined, error);
  }
  if (contents === null) return [];
  if (isMap(contents)) return contents.items;
  throw new TemplateFrontMatterError(templateUrl, 'it', `a map of ${NAMES.join(', ')}`, 'something else');
}
