import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { FreshDatabase } from '../support/fresh-database.js';
import type { NewsletterService } from '../support/newsletter-service.js';
import { waitUntil } from '../support/wait-until.js';

/**
 * Stops a process as SIGSTOP does, outside of a transaction: one that is stopped while it writes keeps the lock of a
 * SQLite file until it goes on, and no other process can do anything meanwhile.
 */
export async function stopProcess(service: NewsletterService, database: FreshDatabase): Promise<void> {
  const other = await database.connect();
  if (database.kind === 'sqlite') await other.query('PRAGMA busy_timeout = 50');
  const isFree = async (): Promise<boolean> => {
    service.signal('SIGSTOP');
    await waitUntil(() => isStopped(service.pid), { what: `process ${service.pid} to stop` });
    if (database.kind !== 'sqlite') return true;
    try {
      await other.query('BEGIN IMMEDIATE');
      await other.query('ROLLBACK');
      return true;
    } catch {
      service.signal('SIGCONT');
      return false;
    }
  };
  await waitUntil(isFree, { what: 'a moment outside of a transaction' });
  await other.destroy();
}

async function isStopped(pid: number): Promise<boolean> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'state=', '-p', String(pid)]);
  return stdout.trim().startsWith('T');
}
