import type { MailingDatabase } from '../database/mailing.database.js';

/** A setting under which a power cut may undo a commit. */
export interface WeakSetting {
  setting: string;
  value: string;
  expected: string;
}

/** Asks the database once whether a commit survives a power cut; the promise relies on it. */
export async function findWeakSettings(database: MailingDatabase): Promise<WeakSetting[]> {
  switch (database.dialect.name) {
    case 'sqlite':
      return sqliteSettings(database);
    case 'postgres':
      return postgresSettings(database);
    case 'mysql':
      return mysqlSettings(database);
  }
}

async function mysqlSettings(database: MailingDatabase): Promise<WeakSetting[]> {
  const [row] = await database.rows<Record<string, unknown>>(
    'SELECT @@innodb_flush_log_at_trx_commit AS value',
  );
  return String(row.value) === '1'
    ? []
    : [{ setting: 'innodb_flush_log_at_trx_commit', value: String(row.value), expected: '1' }];
}

/** `off` is the only value of `synchronous_commit` under which a commit does not wait for the local disk. */
async function postgresSettings(database: MailingDatabase): Promise<WeakSetting[]> {
  const rows = await database.rows<{ setting: string; value: string }>(
    `SELECT name AS setting, setting AS value FROM pg_settings
     WHERE name IN ('fsync', 'synchronous_commit') AND setting = 'off' ORDER BY name`,
  );
  return rows.map((row) => ({ ...row, expected: 'on' }));
}

async function sqliteSettings(database: MailingDatabase): Promise<WeakSetting[]> {
  const [journal] = await database.rows<{ journal_mode: string }>('PRAGMA journal_mode');
  const [sync] = await database.rows<{ synchronous: number }>('PRAGMA synchronous');
  const weak: WeakSetting[] = [];
  if (journal.journal_mode !== 'wal') {
    weak.push({ setting: 'journal_mode', value: journal.journal_mode, expected: 'wal' });
  }
  if (Number(sync.synchronous) < 2) {
    weak.push({ setting: 'synchronous', value: String(sync.synchronous), expected: '2 (FULL)' });
  }
  return weak;
}
