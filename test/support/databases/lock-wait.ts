import { setTimeout as delay } from 'node:timers/promises';
import type { FreshDatabase } from './fresh-database.js';
import { waitUntil } from '../wait-until.js';

const INNODB = `SELECT 1 FROM information_schema.INNODB_TRX t JOIN information_schema.PROCESSLIST p
              ON p.ID = t.trx_mysql_thread_id WHERE t.trx_state = 'LOCK WAIT' AND p.DB = DATABASE()`;
const WAITING = {
  mariadb: INNODB,
  mysql: INNODB,
  postgres: `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
};

/** InnoDB caches its list of transactions, and renews it only if it was not read for 100 ms. */
const LOOK_MS = 150;

/** Resolves when a session of this database waits for a lock. On SQLite it resolves at once, because all wait in one queue. */
export async function lockWait({ kind, dataSource }: FreshDatabase): Promise<void> {
  if (kind === 'sqlite') return;
  const isWaiting = async (): Promise<boolean> => {
    await delay(LOOK_MS);
    return (await dataSource.query<unknown[]>(WAITING[kind])).length > 0;
  };
  await waitUntil(isWaiting, { what: 'a session to wait for a lock' });
}
