import { setTimeout as delay } from 'node:timers/promises';
import type { QueryRunner } from 'typeorm';
import { HostTransactionOpenError } from '../../model/errors/host-transaction.error.js';

/** The usual busy timeout of SQLite. A caller that awaits the plugin within its own transaction waits for this long in vain. */
const TIMEOUT_MS = 5_000;
const LOOK_MS = 5;

/**
 * Waits until the host has no transaction open on the only connection of SQLite. The plugin's transactions are never open here: they run one after
 * another.
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
