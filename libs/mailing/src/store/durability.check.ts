import type { MailingDatabase } from './mailing.database.js';

/** A setting under which a power cut may take back what was committed. */
export interface WeakSetting {
  setting: string;
  value: string;
  expected: string;
}

/** Asks the database once whether a commit survives a power cut; the promise rests on it. */
export async function findWeakSettings(database: MailingDatabase): Promise<WeakSetting[]> {
  if (database.dialect.name === 'sqlite') return sqliteSettings(database);
  const [row] = await database.rows<Record<string, unknown>>(
    'SELECT @@innodb_flush_log_at_trx_commit AS value',
  );
  return String(row.value) === '1'
    ? []
    : [{ setting: 'innodb_flush_log_at_trx_commit', value: String(row.value), expected: '1' }];
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
