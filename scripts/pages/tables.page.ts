// The page of all tables, from the entities.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { getMetadataArgsStorage } from 'typeorm';
import ts from 'typescript';
import '../../libs/mailing/src/model/tables/mailing-entities.js';
import { sourceOf, wordsOfJsDoc } from './source-words.js';

const FOLDER = 'libs/mailing/src/model/tables';

/** Names of the ancestor's columns that are called otherwise here. */
const ANCESTOR: Record<string, Record<string, string>> = {
  dps_mailing: {
    reply_to: '`replyto`',
    template_url: '`template_URL`',
    alt_template_url: '`alt_template_URL`',
    status: '`status`, a number there',
    send_as_html: '`send_as_html`, a number there',
    send_as_text: '`send_as_text`, a number there',
    params: '`params`, a serialized object there',
  },
  dps_mail_batch: { status: '`status`, a number there' },
};

/** Its columns by the same names. */
export const SAME_COLUMNS: Record<string, readonly string[]> = {
  dps_mailing: columns(
    'id name subject uniq_server_id from_address batch_exec_id cc bcc start_time end_time num_profiles num_sent num_errors',
    'num_skipped num_bounces num_soft_bounces fill_from_templ is_batched ignore_fatigue batch_size site_id',
  ),
  dps_mail_batch: columns(
    'mailing_id start_idx uniq_server_id start_time end_time num_profiles num_sent num_bounces num_errors num_skipped',
    'is_summarized',
  ),
  dps_mail_trackdata: columns('mailing_id map_key map_value'),
  dps_mail_server: columns('uniq_server_id last_updated'),
  dps_user_mailing: columns('mailing_id user_id idx'),
  dps_email_address: columns('mailing_id idx email_address'),
};

interface Column {
  name: string;
  type: string;
  isKey: boolean;
  words: string;
}

interface Table {
  name: string;
  entity: string;
  words: string;
  columns: Column[];
}

/** The page, as it should be. */
export function tablesPage(): string {
  const lines = [
    '# Tables',
    '',
    'Twelve tables, made by `mailingMigrations`. Times are UTC, by the database’s clock. The columns of the ancestor are marked with `=` where they have its',
    'name. This page is made from the code (`npm run docs:pages`).',
    '',
    'Read the tables as you like. Write to them only as the pages say:',
    '',
    '- suppressions by `MailingSuppressions` ([suppression](recipients.md#suppression))',
    '- deletions of [old mailings](scaling.md#100-million-recipients-a-day-on-paper), [templates](content.md#what-is-kept) and',
    '  [attachments](attachments.md#where-they-are-kept)',
    '- `num_bounces` and `num_soft_bounces`, which are yours: the plugin never writes them',
  ];
  for (const table of tables()) {
    lines.push('', `## \`${table.name}\``, '', `Entity: \`${table.entity}\`. ${table.words}`, '');
    for (const { name, type, isKey, words } of table.columns) {
      const old = ANCESTOR[table.name]?.[name] ?? (SAME_COLUMNS[table.name]?.includes(name) ? '`=`' : '');
      const facts = [type, ...(isKey ? ['key'] : []), ...(old ? [`ancestor: ${old}`] : [])].join('; ');
      lines.push(`- \`${name}\` (${facts})${words ? `: ${words}` : ''}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function tables(): Table[] {
  const classes = new Map<string, ts.ClassDeclaration>();
  for (const file of readdirSync(FOLDER))
    sourceOf(join(FOLDER, file)).forEachChild((node) => {
      if (ts.isClassDeclaration(node) && node.name) classes.set(node.name.text, node);
    });
  const found: Table[] = [];
  for (const [entity, node] of classes) {
    const name = decoratorOptions(node, ['Entity'])?.get('name');
    if (name)
      found.push({ name: plain(name), entity, words: wordsOfJsDoc(node), columns: columnsOf(node, classes) });
  }
  return found.sort((a, b) => a.name.localeCompare(b.name));
}

function columnsOf(node: ts.ClassDeclaration, classes: Map<string, ts.ClassDeclaration>): Column[] {
  const base = node.heritageClauses?.[0]?.types[0]?.expression.getText();
  const parent = base === undefined ? undefined : classes.get(base);
  const own = node.members.filter(ts.isPropertyDeclaration).flatMap((member): Column[] => {
    const options = decoratorOptions(member, ['Column', 'PrimaryColumn']);
    const name = options?.get('name');
    if (!options || !name) return [];
    const isKey = decoratorOptions(member, ['PrimaryColumn']) !== null;
    return [
      {
        name: plain(name),
        type: typeOf(options, lengthOf(node.name?.text, plain(name))),
        isKey,
        words: wordsOfJsDoc(member).replaceAll('\n\n', ' '),
      },
    ];
  });
  return parent ? [...own, ...columnsOf(parent, classes)] : own;
}

function typeOf(options: Map<string, string>, length: number | string | undefined): string {
  const type = plain(options.get('type') ?? 'text').replace('Date', 'time');
  return `${type}${length ? ` ${length}` : ''}${options.get('nullable') === 'true' ? ', may be null' : ''}`;
}

/** As TypeORM has it: the source may name a constant. */
function lengthOf(owner: string | undefined, column: string): number | string | undefined {
  const { columns: all } = getMetadataArgsStorage();
  const found = all.find(
    ({ target, options }) => options.name === column && (target as { name?: string }).name === owner,
  );
  return found?.options.length;
}

/** The object that a decorator is given, as text. */
function decoratorOptions(
  node: ts.ClassDeclaration | ts.PropertyDeclaration,
  names: string[],
): Map<string, string> | null {
  for (const { expression } of ts.getDecorators(node) ?? []) {
    if (!ts.isCallExpression(expression) || !names.includes(expression.expression.getText())) continue;
    const [given] = expression.arguments;
    if (!given || !ts.isObjectLiteralExpression(given)) continue;
    const pairs = given.properties.filter(ts.isPropertyAssignment);
    return new Map(pairs.map(({ name, initializer }) => [name.getText(), initializer.getText()]));
  }
  return null;
}

function plain(text: string): string {
  return text.replaceAll(/^['"]|['"]$/g, '');
}

function columns(...lines: string[]): string[] {
  return lines.flatMap((line) => line.split(' '));
}
