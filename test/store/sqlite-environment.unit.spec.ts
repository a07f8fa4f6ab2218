import { describe, expect, it } from 'vitest';
import { harmfulAmong } from '../../libs/mailing/src/store/connections/setting-rule.js';
import { SQLITE_ENVIRONMENT } from '../../libs/mailing/src/store/connections/sqlite.environment.js';

/** The settings that are refused if each PRAGMA has this answer. */
async function refusedWith(answer: Record<string, unknown>[]): Promise<string[]> {
  const settings = await SQLITE_ENVIRONMENT.read(() => Promise.resolve(answer));
  return harmfulAmong(SQLITE_ENVIRONMENT.refused, settings).map(({ setting }) => setting);
}

describe('the settings of SQLite', () => {
  it('are harmless if this build does not know them, and answers without a row', async () => {
    expect(await refusedWith([])).toEqual([]);
  });

  it('are harmful if they are on', async () => {
    expect(await refusedWith([{ value: 0 }])).toEqual([]);
    expect(await refusedWith([{ value: 1 }])).toEqual(['query_only', 'full_column_names', 'count_changes']);
  });
});
