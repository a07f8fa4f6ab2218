import { parse } from 'yaml';
import { TemplateFrontMatterError } from '../model/refusal.errors.js';

export const HEADER_NAMES = ['from', 'replyTo', 'cc', 'bcc'] as const;
const NAMES: readonly string[] = ['name', 'subject', ...HEADER_NAMES];

/** What a template says of its mailing, each a template itself. */
export type FrontMatter = Partial<Record<'name' | 'subject' | (typeof HEADER_NAMES)[number], string>>;

const FENCE = '---';

/**
 * Takes the YAML between two lines of `---` off the beginning of a template.
 *
 * @throws TemplateFrontMatterError if it does not end, is no YAML, has another key or something that is no text.
 */
export function splitFrontMatter(
  templateUrl: string,
  source: string,
): { frontMatter: FrontMatter; body: string } {
  const lines = source.replace(/^\uFEFF/, '').split('\n');
  if (lines[0].trimEnd() !== FENCE) return { frontMatter: {}, body: source };
  const end = lines.findIndex((line, n) => n > 0 && line.trimEnd() === FENCE);
  if (end < 0) throw new TemplateFrontMatterError(templateUrl, 'its end', 'a line of ---', undefined);
  const frontMatter = parsed(templateUrl, lines.slice(1, end).join('\n'));
  return { frontMatter, body: lines.slice(end + 1).join('\n') };
}

/**
 * All that is Handlebars in a template with front matter, by names that people know it by. The body keeps its lines, so that
 * what is found in it is told by its line of the file.
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
  let values: unknown;
  try {
    // Every scalar is a text here, so `subject: 2026` is one, and `name: no` is not false.
    values = parse(yaml, { schema: 'failsafe', maxAliasCount: 0, logLevel: 'error' }) ?? {};
  } catch (error) {
    throw new TemplateFrontMatterError(templateUrl, 'it', 'YAML', undefined, error);
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values))
    throw new TemplateFrontMatterError(templateUrl, 'it', `a map of ${NAMES.join(', ')}`, values);
  for (const [name, value] of Object.entries(values)) {
    if (!NAMES.includes(name))
      throw new TemplateFrontMatterError(
        templateUrl,
        name,
        `absent, because the keys are ${NAMES.join(', ')}`,
        value,
      );
    if (typeof value !== 'string')
      throw new TemplateFrontMatterError(
        templateUrl,
        name,
        'a text, in quotes where it begins with {{',
        value,
      );
  }
  return values;
}
