import { type Environment, only, type SettingRule } from './setting-rule.js';

const STEP = 'Leave this PRAGMA out of prepareDatabase of the data source.';

const REFUSED: readonly SettingRule[] = [
  {
    setting: 'query_only',
    expected: '0',
    harmIn: only('0'),
    consequence: 'nothing can be written',
    nextStep: STEP,
  },
  {
    setting: 'full_column_names',
    expected: '0',
    harmIn: only('0'),
    consequence: 'the columns of answers have other names',
    nextStep: STEP,
  },
  {
    setting: 'count_changes',
    expected: '0',
    harmIn: only('0'),
    consequence: 'the driver takes an update for a query and reports no number of rows',
    nextStep: STEP,
  },
];

export const SQLITE_ENVIRONMENT: Environment = {
  async read(ask) {
    const settings = new Map<string, string>();
    for (const { setting } of REFUSED) {
      const [row] = await ask(`PRAGMA ${setting}`);
      // A build of SQLite without this PRAGMA answers without a row: it has no such setting.
      if (row) settings.set(setting, String(Object.values(row)[0]));
    }
    return settings;
  },
  refused: REFUSED,
  reported: [],
};
