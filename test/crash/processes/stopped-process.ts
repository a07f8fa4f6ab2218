import type { FreshDatabase } from '../../support/databases/fresh-database.js';
import type { NewsletterService } from '../../support/hosts/newsletter-service.js';
import { suspend } from '../../support/suspended-process.js';
import { waitUntil } from '../../support/wait-until.js';

/**
 * Stops a process by SIGSTOP, on SQLite outside of a transaction, because a process stopped while it writes keeps the lock of the
 * file and blocks all others. The other databases end such a transaction.
 */
export async function stopProcess(service: NewsletterService, database: FreshDatabase): Promise<void> {
  const other = await database.connect();
  const session = other.createQueryRunner();
  if (database.kind === 'sqlite') await session.query('PRAGMA busy_timeout = 50');
  const isFree = async (): Promise<boolean> => {
    await suspend(service.pid);
    if (database.kind !== 'sqlite') return true;
    try {
      await session.query('BEGIN IMMEDIATE');
      await session.query('ROLLBACK');
      return true;
    } catch {
      service.signal('SIGCONT');
      return false;
    }
  };
  await waitUntil(isFree, { what: 'a moment outside of a transaction' });
  await session.release();
  await other.destroy();
}
