// The page of all options: facts from the schemas, words from the JSDoc of the interfaces.
import ts from 'typescript';
import { type OptionKind, wordsOf } from '../../libs/mailing/src/model/options/option-kinds.js';
import { OPTION_SECTIONS, type OptionSection, type Schema } from './option.sections.js';
import { sourceOf, wordsOfJsDoc } from './source-words.js';
import { interfaceOf, membersOf } from './type-words.js';

const MAIL = 'libs/mailing/src/model/mail';

/** One option: what the schema says, and what its JSDoc says. */
export interface DescribedOption {
  section: OptionSection;
  /** Path of its group; empty for one at the top. */
  group: string;
  path: string;
  /** Null: the schema does not have it, because it is checked when it is used. */
  kind: OptionKind<unknown> | null;
  words: string;
}

/** All options, section by section, group by group. */
export function describedOptions(): DescribedOption[] {
  return OPTION_SECTIONS.flatMap(optionsOf);
}

function optionsOf(section: OptionSection): DescribedOption[] {
  const words = jsDocOfInterfaces(section.files);
  const found: DescribedOption[] = [];
  const visit = (group: string, schema: Schema): void => {
    const interfaces = section.interfaces[group] ?? [];
    const add = (name: string, kind: OptionKind<unknown> | null): void => {
      const texts = interfaces.map((one) => words.get(one)?.get(name));
      const path = group ? `${group}.${name}` : name;
      found.push({ section, group, path, kind, words: texts.find((text) => text !== undefined) ?? '' });
    };
    for (const name of interfaces.flatMap((one) => [...(words.get(one)?.keys() ?? [])]))
      if (!Object.hasOwn(schema, name)) add(name, null);
    for (const [name, kind] of Object.entries(schema)) add(name, kind);
    for (const [name, { schema: inner }] of Object.entries(schema))
      if (inner) visit(group ? `${group}.${name}` : name, inner);
  };
  visit(section.path, section.schema);
  return found;
}

/** The page, as it should be. */
export function optionsPage(): string {
  const lines = [
    '# Options',
    '',
    '`MailingModule.forRoot` and `forRootAsync` take these; those of the optional parts follow [below](#nestjs-mailingbullmq), and then what a mailing is sent',
    'with: [its info](#the-info-of-a-mailing) and [the options of a call](#the-options-of-a-call). An option that is unknown, out of its bounds or contradicts',
    'another one ends the start with a `MailingOptionsError` that names it. `null` counts as absent, for every option. This page is made from the code',
    '(`npm run docs:pages`).',
  ];
  let [at, inside]: [OptionSection | null, string] = [null, ''];
  for (const { section, group, path, kind, words } of describedOptions()) {
    if (section !== at || group !== inside) lines.push('', ...headingOf(section, group));
    [at, inside] = [section, group];
    lines.push('', `### \`${path}\``, '');
    const text = kind ? withoutFacts(words, kind) : words;
    if (kind) lines.push(`${factsOf(kind)}.`, ...(text ? [''] : []));
    if (text) lines.push(text);
  }
  lines.push(...mailingSections());
  return `${lines.join('\n')}\n`;
}

/** What `sendEmailMessage` takes. */
function mailingSections(): string[] {
  const info = `${MAIL}/template-email-info.ts`;
  return [
    '',
    '## The info of a mailing',
    '',
    'The fields of `TemplateEmailInfo`, the first argument of `sendEmailMessage`. An unknown field is refused (`UnknownFieldError`).',
    '',
    ...membersOf(interfaceOf(info, 'TemplateEmailInfo')),
    '',
    '### An attachment',
    '',
    'The fields of `TemplateEmailAttachment`; one of `path`, `href` and `content` is required. See [attachments](attachments.md).',
    '',
    ...membersOf(interfaceOf(info, 'TemplateEmailAttachment')),
    '',
    '## The options of a call',
    '',
    'The fields of `SendOptions`, the third argument of `sendEmailMessage`; see [sending](sending.md).',
    '',
    ...membersOf(interfaceOf(`${MAIL}/send-options.ts`, 'SendOptions')),
    ...membersOf(interfaceOf(`${MAIL}/send-options.ts`, 'TransactionalSendOptions')).filter(isNew),
  ];
}

/** Its other members narrow those of `SendOptions`. */
function isNew(line: string): boolean {
  return line.startsWith('- `transaction`');
}

function headingOf({ heading, part, intro, path }: OptionSection, group: string): string[] {
  if (group !== path) return [`## ${part}\`${group}\``];
  return intro ? [`## ${heading}`, '', intro] : [`## ${heading}`];
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
function withoutFacts(words: string, { defaultWords }: OptionKind<unknown>): string {
  return `${words} `
    .replace(`Default: ${defaultWords}. `, '')
    .replaceAll(
      /(?:^|(?<=\s))(?:Bounds: [^.]+|Default: (?:[\d,]+|[^.,]+))(?: \([^)]*\))?\.(?: |(?=\n)|$)/g,
      '',
    )
    .replaceAll(/ +\n/g, '\n')
    .trim();
}

/** Words of each member of each interface, by the name of the interface. */
function jsDocOfInterfaces(files: string[]): Map<string, Map<string, string>> {
  const found = new Map<string, Map<string, string>>();
  for (const file of files)
    sourceOf(file).forEachChild((node) => {
      if (!ts.isInterfaceDeclaration(node)) return;
      const members = node.members.map(
        (member) => [member.name?.getText() ?? '', wordsOfJsDoc(member)] as const,
      );
      found.set(node.name.text, new Map(members));
    });
  return found;
}
