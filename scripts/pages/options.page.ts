// The page of all options: facts from the schema, words from the JSDoc of the interfaces.
import ts from 'typescript';
import { MAILING_OPTIONS } from '../../libs/mailing/src/model/options/mailing-options.schema.js';
import { type OptionKind, wordsOf } from '../../libs/mailing/src/model/options/option-kinds.js';
import { sourceOf, wordsOfJsDoc } from './source-words.js';

const FOLDER = 'libs/mailing/src/model/options';
const FILES = ['mailing-options.ts', 'content-options.ts', 'unsubscribe.options.ts'];

/** Groups that the schema reads as a whole, by their interfaces. */
const INTERFACES: Record<string, string> = {
  '': 'MailingModuleOptions',
  templates: 'TemplateOptions',
  'templates.text': 'TextOptions',
  addresses: 'AddressOptions',
  profiles: 'ProfileOptions',
  run: 'RunOptions',
  retry: 'RetryOptions',
  errorGuard: 'ErrorGuardOptions',
  server: 'ServerOptions',
  batch: 'BatchOptions',
  attachments: 'AttachmentOptions',
  journal: 'JournalOptions',
  unsubscribe: 'UnsubscribeOptions',
};

type Schema = Record<string, OptionKind<unknown> & { schema?: Schema }>;

/** One option: what the schema says, and what its JSDoc says. */
export interface DescribedOption {
  path: string;
  /** Null: the group is read as a whole. */
  kind: OptionKind<unknown> | null;
  words: string;
}

/** All options, group by group. */
export function describedOptions(): DescribedOption[] {
  const words = jsDocOfInterfaces();
  const groups: DescribedOption[] = [];
  const visit = (path: string, schema: Schema): void => {
    const inner: [string, Schema][] = [];
    for (const [name, kind] of Object.entries(schema)) {
      const whole = path ? `${path}.${name}` : name;
      groups.push({ path: whole, kind, words: words.get(`${INTERFACES[path]}.${name}`) ?? '' });
      if (kind.schema) inner.push([whole, kind.schema]);
    }
    for (const [at, part] of inner) visit(at, part);
  };
  visit('', MAILING_OPTIONS as Schema);
  const known = new Set(groups.map(({ path }) => path));
  for (const [group, name] of Object.entries(INTERFACES))
    for (const [member, text] of words) {
      const [owner, option] = member.split('.');
      const path = `${group}.${option}`;
      if (owner === name && group && !known.has(path)) groups.push({ path, kind: null, words: text });
    }
  return groups;
}

/** The page, as it should be. */
export function optionsPage(): string {
  const options = describedOptions();
  const lines = [
    '# Options',
    '',
    '`MailingModule.forRoot` and `forRootAsync` take these. An option that is unknown, out of its bounds or contradicts another one ends the start with a',
    '`MailingOptionsError` that names it. This page is made from the code (`npm run docs:pages`).',
  ];
  let group: string | null = null;
  for (const { path, kind, words } of options) {
    const at = path.split('.').slice(0, -1).join('.');
    if (at !== group) lines.push('', at ? `## \`${at}\`` : '## At the top');
    group = at;
    lines.push('', `### \`${path}\``, '');
    const text = kind ? withoutFacts(words) : words;
    if (kind) lines.push(`${factsOf(kind)}.`, ...(text ? [''] : []));
    if (text) lines.push(text);
  }
  return `${lines.join('\n')}\n`;
}

function factsOf(kind: OptionKind<unknown>): string {
  const { type, defaultWords } = kind;
  const byDefault = defaultWords === 'required' ? 'required' : defaultWords && `default: ${defaultWords}`;
  return [type, byDefault, boundsOf(kind)].filter((fact) => fact !== '').join('; ');
}

/** As a JSDoc says them; an option that bounds another one stands in the same group. */
export function boundsOf({ bounds }: OptionKind<unknown>): string {
  if (!bounds) return '';
  const or = bounds.or === undefined ? '' : `${bounds.or}, or `;
  const [min, max] = [bounds.min, bounds.max].map((bound) => wordsOf(bound).replaceAll(/\b[a-zA-Z]+\./g, ''));
  return `${or}${min} to ${max}`;
}

/** Without the default and the bounds, which stand in the line above; a default with its reason stays. */
function withoutFacts(words: string): string {
  return words
    .replaceAll(/(?:^|(?<=\s))(?:Bounds: [^.]+|Default: (?:[\d,]+|[^.,]+))(?: \([^)]*\))?\.(?:\s|$)/g, '')
    .trim();
}

/** Words of each member of each interface, by `Interface.member`. */
function jsDocOfInterfaces(): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of FILES)
    sourceOf(`${FOLDER}/${file}`).forEachChild((node) => {
      if (!ts.isInterfaceDeclaration(node)) return;
      for (const member of node.members)
        found.set(`${node.name.text}.${member.name?.getText()}`, wordsOfJsDoc(member));
    });
  return found;
}
