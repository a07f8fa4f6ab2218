import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { DatabaseKind } from '../support/database-kinds.js';
import type { FreshDatabase } from '../support/fresh-database.js';
import type { NewsletterService } from '../support/newsletter-service.js';
import { waitUntil } from '../support/wait-until.js';

const TABLES = [
  'mailing',
  'mail_batch',
  'mail_server',
  'email_address',
  'mail_deferred',
  'mail_address_taken',
];

/** What fails while a process is in a transaction that nothing but the process itself would end. */
const LOOKS_FOR_LOCKS: Partial<Record<DatabaseKind, string[]>> = {
  sqlite: ['BEGIN IMMEDIATE'],
  mysql: ['BEGIN', ...TABLES.map((table) => `SELECT COUNT(*) FROM dps_${table} FOR UPDATE NOWAIT`)],
};

/**
 * Stops a process as SIGSTOP does, outside of a transaction: one that is stopped while it writes keeps the lock of a SQLite file, or of its
 * rows on MySQL, until it goes on, and no other process can go on there meanwhile. MariaDB and PostgreSQL end such a transaction.
 */
export async function stopProcess(service: NewsletterService, database: FreshDatabase): Promise<void> {
  const other = await database.connect();
  const session = other.createQueryRunner();
  if (database.kind === 'sqlite') await session.query('PRAGMA busy_timeout = 50');
  const look = LOOKS_FOR_LOCKS[database.kind] ?? [];
  const isFree = async (): Promise<boolean> => {
    service.signal('SIGSTOP');
    await waitUntil(() => isStopped(service.pid), { what: `process ${service.pid} to stop` });
    try {
      for (const statement of look) await session.query(statement);
      return true;
    } catch {
      service.signal('SIGCONT');
      return false;
    } finally {
      // Where there is no transaction, there is nothing to end.
      await session.query('ROLLBACK').catch(() => undefined);
    }
  };
  await waitUntil(isFree, { what: 'a moment outside of a transaction' });
  await session.release();
  await other.destroy();
}

async function isStopped(pid: number): Promise<boolean> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'state=', '-p', String(pid)]);
  return stdout.trim().startsWith('T');
}
