import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { FreshDatabase } from '../../support/databases/fresh-database.js';
import type { NewsletterService } from '../../support/hosts/newsletter-service.js';
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
    service.signal('SIGSTOP');
    await waitUntil(() => isStopped(service.pid), { what: `process ${service.pid} to stop` });
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

async function isStopped(pid: number): Promise<boolean> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'state=', '-p', String(pid)]);
  return stdout.trim().startsWith('T');
}
