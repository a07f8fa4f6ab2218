// The page for people who come from the ancestor: each of its names, and what stands for it here.
import { ANCESTOR_COLUMNS, ANCESTOR_NAMES, type AncestorName } from './ancestor-names.js';
import { SAME_COLUMNS } from './tables.page.js';

const WORDS: Readonly<Record<string, (name: string) => string>> = {
  option: (name) => `option \`${name}\``,
  info: (name) => `\`${name}\` of the info`,
  call: (name) => `\`${name}\` of a call`,
  event: (name) => `event \`${name}\``,
  header: (name) => `header \`${name}\``,
  status: (name) => `state \`${name}\``,
};

/** Kind and name of each thing of ours that stands for the names. */
export function referencesOf([, ours]: AncestorName): { kind: string; name: string }[] {
  return ours.split(' ').flatMap((reference) => {
    const at = reference.indexOf(':');
    return at < 0 ? [] : [{ kind: reference.slice(0, at), name: reference.slice(at + 1) }];
  });
}

/** The page, as it should be. */
export function ancestorPage(): string {
  const lines = [
    '# Names of the ancestor',
    '',
    'For people who come from the targeted e-mail of the commerce platform that this plugin is modelled on: each name of its classes, methods, properties, events',
    'and tables that is published, and what stands for it here. _None_ means that nothing does. What works, by which test, and what was left out and why, is in',
    '[where it comes from](where-it-comes-from.md). This page is made from the code (`npm run docs:pages`); a test checks that each name of ours exists.',
  ];
  for (const [heading, names] of ANCESTOR_NAMES) lines.push('', `## ${heading}`, '', ...names.map(lineOf));
  lines.push(
    '',
    '## Tables',
    '',
    'Columns that are not named here have the same name. A parallel set of tables with the prefix `dpi_`, for internal users: none;',
    'give the plugin a data source of its own. [Tables](tables.md) has every column of ours.',
  );
  for (const [table, names] of Object.entries(ANCESTOR_COLUMNS)) {
    const same = (SAME_COLUMNS[table] ?? []).map((name) => `\`${name}\``).join(', ');
    lines.push('', `### \`${table}\``, '', `- the same: ${same}`, ...names.map(lineOf));
  }
  return `${lines.join('\n')}\n`;
}

function lineOf(entry: AncestorName): string {
  const [theirs, , remark] = entry;
  const ours = referencesOf(entry).map(({ kind, name }) => WORDS[kind]?.(name) ?? `\`${name}\``);
  return `- ${theirs.split(', ').map(marked).join(', ')}: ${ours.join(', ') || '_none_'}.${remark ? ` ${remark}` : ''}`;
}

/** A name in code, words around it not. */
function marked(name: string): string {
  const [, words = '', last = name] = /^(item propert(?:y|ies) )?(\S+)$/.exec(name) ?? [];
  if (!/\s/.test(last)) return `${words}\`${last}\``;
  const [, first, rest] = /^(maxBatchSize|schedule|persistent)( of .*)$/.exec(name) ?? [];
  return first === undefined ? name : `\`${first}\`${rest}`;
}
