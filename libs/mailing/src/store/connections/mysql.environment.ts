import {
  type Ask,
  type Environment,
  harmfulAmong,
  not,
  only,
  type SettingRule,
  type Settings,
} from './setting-rule.js';

const MODE_STEP =
  "Take it out of sql_mode in the server's option file, by SET GLOBAL and in init_connect, and where the host sets it for a session.";
const SESSION_STEP =
  "Correct it in the server's option file, in init_connect, or where the host sets it for a session.";
const SERVER_STEP = "Correct it in the server's option file and by SET GLOBAL.";

/** Harmful words of `sql_mode`, and what they do. The other words were tried, and change nothing for the plugin (docs/guarantees.md). */
const HARMFUL_MODES: Record<string, string> = {
  NO_BACKSLASH_ESCAPES:
    "the driver escapes values with backslashes, which mean nothing then, so a recipient's name could become SQL",
  EMPTY_STRING_IS_NULL: 'texts that are empty are written as NULL, and content for all recipients is lost',
};

const GLOBAL_MODE = 'global sql_mode';

function modes(setting: string): SettingRule[] {
  return Object.entries(HARMFUL_MODES).map(([word, consequence]) => ({
    setting,
    expected: `without ${word}`,
    harmIn: (value) => (value.toUpperCase().split(',').includes(word) ? word : null),
    consequence,
    nextStep: MODE_STEP,
  }));
}

const CHARACTER_SET_RULES = ['character_set_client', 'character_set_connection', 'character_set_results'].map(
  (setting): SettingRule => ({
    setting,
    expected: 'utf8mb4',
    harmIn: only('utf8mb4'),
    consequence:
      'names with letters beyond it are lost or become others, and in some sets escaping is undone',
    nextStep: "Leave charset out of the data source or set it to 'utf8mb4', and use SET NAMES with no other.",
  }),
);

/** Far more rows than any statement of the plugin reads, and far fewer than the default. */
const ENOUGH_ROWS = 2 ** 31;

/** Rules for a session, checked on each new connection. */
export const MYSQL_SESSION_RULES: readonly SettingRule[] = [
  ...modes('sql_mode'),
  ...CHARACTER_SET_RULES,
  {
    setting: 'autocommit',
    expected: 'ON',
    harmIn: only('on', '1'),
    consequence: 'statements outside a transaction are never committed',
    nextStep: SESSION_STEP,
  },
  {
    setting: 'completion_type',
    expected: 'NO_CHAIN',
    harmIn: only('no_chain', '0'),
    consequence: 'a commit begins the next transaction or ends the connection',
    nextStep: SESSION_STEP,
  },
  {
    setting: 'sql_select_limit',
    expected: 'its default',
    harmIn: (value) => (Number(value) < ENOUGH_ROWS ? value : null),
    consequence: 'answers are cut off without a word, also those about who is not to be mailed',
    nextStep: SESSION_STEP,
  },
  {
    setting: 'unique_checks',
    expected: 'ON',
    harmIn: only('on', '1'),
    consequence: 'a recipient may be on a list twice',
    nextStep: SESSION_STEP,
  },
];

/** Rules for the server, checked once at start. */
const SERVER_RULES: readonly SettingRule[] = [
  ...modes(GLOBAL_MODE),
  ...['transaction_read_only', 'tx_read_only', 'innodb_read_only'].map((setting): SettingRule => ({
    setting,
    expected: 'OFF',
    harmIn: only('off', '0'),
    consequence: 'nothing can be written',
    nextStep: 'Connect to the primary server, or let it be written.',
  })),
];

/** Long enough for the longest statement, which writes some thousand recipients. */
const LONG_ENOUGH_S = 30;

const REPORTED: readonly SettingRule[] = [
  ...['read_only', 'super_read_only'].map((setting): SettingRule => ({
    setting,
    expected: 'OFF',
    harmIn: only('off', '0'),
    consequence: 'nothing can be written, except by users with a privilege of their own',
    nextStep: 'Connect to the primary server.',
  })),
  ...['transaction_isolation', 'tx_isolation'].map((setting): SettingRule => ({
    setting,
    expected: 'REPEATABLE-READ or READ-COMMITTED',
    harmIn: not('read-uncommitted'),
    consequence: 'reports show what may never be committed',
    nextStep: SERVER_STEP,
  })),
  {
    setting: 'max_statement_time',
    expected: `0, or at least ${LONG_ENOUGH_S} s`,
    harmIn: (value) => (Number(value) > 0 && Number(value) < LONG_ENOUGH_S ? `${Number(value)} s` : null),
    consequence: 'a statement that takes longer fails, and a long list with it',
    nextStep: SERVER_STEP,
  },
  {
    setting: 'max_execution_time',
    expected: `0, or at least ${LONG_ENOUGH_S * 1_000} ms`,
    harmIn: (value) => (Number(value) > 0 && Number(value) < LONG_ENOUGH_S * 1_000 ? `${value} ms` : null),
    consequence: 'a query that takes longer fails',
    nextStep: SERVER_STEP,
  },
];

/** The harmful setting that the flags of an answer reveal. */
export const [NO_ESCAPING] = harmfulAmong(modes('sql_mode'), new Map([['sql_mode', 'NO_BACKSLASH_ESCAPES']]));

const SESSION_NAMES = [...new Set(MYSQL_SESSION_RULES.map(({ setting }) => setting))];
const SERVER_NAMES = [...SERVER_RULES, ...REPORTED]
  .map(({ setting }) => setting)
  .filter((setting) => setting !== GLOBAL_MODE);

export const MYSQL_ENVIRONMENT: Environment = {
  async read(ask) {
    const settings = new Map([...(await readVariables(ask, SERVER_NAMES)), ...(await readMysqlSession(ask))]);
    const defaults = await readVariables(ask, ['sql_mode'], 'GLOBAL');
    return settings.set(GLOBAL_MODE, defaults.get('sql_mode') ?? '');
  },
  refused: [...MYSQL_SESSION_RULES, ...SERVER_RULES],
  reported: REPORTED,
};

/** Reads the settings with one statement, in which the driver has nothing to escape. */
export async function readMysqlSession(ask: Ask): Promise<Settings> {
  const settings = new Map(await readVariables(ask, SESSION_NAMES));
  // Every server knows all of these settings, so a shorter answer was cut by `sql_select_limit`.
  if (settings.size < SESSION_NAMES.length) settings.set('sql_select_limit', String(settings.size));
  return settings;
}

/** Whether the next connection of the pool would be free of this harm, as far as the server's defaults tell. */
export async function isDefaultHarmless(ask: Ask, setting: string): Promise<boolean> {
  // The driver sets the character sets for each connection.
  if (setting.startsWith('character_set_')) return true;
  const defaults = await readVariables(ask, [setting], 'GLOBAL');
  const rules = MYSQL_SESSION_RULES.filter((rule) => rule.setting === setting);
  return harmfulAmong(rules, defaults).length === 0;
}

/** Rejected: `SELECT @@…`, which fails as a whole if the server does not know one of the variables. */
async function readVariables(
  ask: Ask,
  names: readonly string[],
  scope: 'SESSION' | 'GLOBAL' = 'SESSION',
): Promise<Settings> {
  const list = names.map((name) => `'${name}'`).join(', ');
  const rows = await ask(`SHOW ${scope} VARIABLES WHERE Variable_name IN (${list})`);
  return new Map(rows.map((row) => [String(row.Variable_name).toLowerCase(), String(row.Value)]));
}
