import { type Environment, not, only, type SettingRule } from './setting-rule.js';

const STEP =
  'Correct it in postgresql.conf, by ALTER DATABASE or ALTER ROLE, or in the options of the data source.';

/** Long enough for the longest statement, which writes some thousand recipients. */
const LONG_ENOUGH_MS = 30_000;

/** A setting of a pooler in front of PostgreSQL, not of PostgreSQL itself (`poolModeOf`). */
export const POOL_MODE = 'pool_mode';

const REFUSED: readonly SettingRule[] = [
  {
    setting: POOL_MODE,
    expected: 'transaction or session',
    harmIn: not('statement'),
    consequence: 'the pooler before the database refuses transactions',
    nextStep: 'Set pool_mode of the pooler for this database, or connect past it.',
  },
  {
    setting: 'server_encoding',
    expected: 'UTF8',
    harmIn: only('utf8'),
    consequence: 'names it can not hold make a whole list fail',
    nextStep: "Make the database with ENCODING 'UTF8'.",
  },
  {
    setting: 'client_encoding',
    expected: 'UTF8',
    harmIn: only('utf8'),
    consequence: 'names are written and read as other letters',
    nextStep: STEP,
  },
  {
    setting: 'transaction_read_only',
    expected: 'off',
    harmIn: only('off'),
    consequence: 'nothing can be written',
    nextStep: `Connect to the primary server. ${STEP}`,
  },
];

const REPORTED: readonly SettingRule[] = [
  {
    setting: POOL_MODE,
    expected: 'session, or an application that sets nothing for its sessions',
    harmIn: not('transaction'),
    consequence:
      'what your application sets for a session comes to other clients of the pooler, and not to its own next statement',
    nextStep:
      'Set it by ALTER ROLE or ALTER DATABASE, or by SET LOCAL. The plugin itself needs nothing else.',
  },
  {
    setting: 'default_transaction_isolation',
    expected: 'read committed or serializable',
    harmIn: not('repeatable read'),
    consequence:
      'a pause may be reported before it is reached, and a server may register again while its mailings are moved',
    nextStep: STEP,
  },
  ...['statement_timeout', 'lock_timeout', 'transaction_timeout'].map((setting): SettingRule => ({
    setting,
    expected: `0, or at least ${LONG_ENOUGH_MS} ms`,
    harmIn: (value) => (Number(value) > 0 && Number(value) < LONG_ENOUGH_MS ? `${value} ms` : null),
    consequence: "a longer statement fails; commits are repeated, but a long list can't be written",
    nextStep: STEP,
  })),
];

export const POSTGRES_ENVIRONMENT: Environment = {
  async read(ask) {
    const names = [...REFUSED, ...REPORTED].map(({ setting }) => `'${setting}'`).join(', ');
    // `pg_settings` has numbers in the unit of the setting, and no row for a setting that a version does not know.
    const rows = await ask(`SELECT name, setting FROM pg_settings WHERE name IN (${names})`);
    return new Map(rows.map(({ name, setting }) => [String(name), String(setting)]));
  },
  refused: REFUSED,
  reported: REPORTED,
};
