import { setTimeout as delay } from 'node:timers/promises';
import type { QueryRunner } from 'typeorm';
import { HostTransactionOpenError } from '../../model/errors/host-transaction.error.js';

/** As long as SQLite itself is usually told to wait for another writer. A caller who waits for us within its transaction waits so long in vain. */
const TIMEOUT_MS = 5_000;
const LOOK_MS = 5;

/**
 * Waits until the host has no transaction open on the one connection of SQLite. Ours are never open here: they follow one another.
 *
 * @throws HostTransactionOpenError after 5 s.
 */
export async function hostTransactionOver(runner: QueryRunner): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  while (runner.isTransactionActive) {
    if (performance.now() > deadline) throw new HostTransactionOpenError(TIMEOUT_MS);
    await delay(LOOK_MS);
  }
}
