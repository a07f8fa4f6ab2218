import { setTimeout as delay } from 'node:timers/promises';
import type { QueryRunner } from 'typeorm';
import { HostTransactionOpenError } from '../../model/errors/host-transaction.errors.js';

/** The usual busy timeout of SQLite. A caller that awaits the plugin within its own transaction waits for this long in vain. */
const TIMEOUT_MS = 5_000;
const POLL_INTERVAL_MS = 5;

/** The only connection of a SQLite data source, which the plugin and the host share. */
interface SharedConnection {
  /** Resolves when the plugin's job on the connection is over; null without one. */
  job: Promise<void> | null;
  /** True while the plugin itself calls `startTransaction`. */
  isOwnStart: boolean;
}

const connections = new WeakMap<QueryRunner, SharedConnection>();

/**
 * Keeps the plugin's transactions and those of the host apart on the only connection of SQLite. TypeORM would make each one that begins within the
 * other a savepoint of it, so a rollback of the host would take the plugin's commits along.
 *
 * - The plugin's job waits until the host has no transaction open. The plugin's own jobs run one after another.
 * - A transaction that the host begins during the job waits for the end of the job: a few statements, and no call of the host.
 *
 * A statement that the host runs outside of a transaction meanwhile becomes part of the plugin's: SQLite can't tell them apart.
 *
 * @throws HostTransactionOpenError after 5 s.
 */
export async function withSharedConnection<T>(runner: QueryRunner, job: () => Promise<T>): Promise<T> {
  const connection = sharedConnectionOf(runner);
  const deadline = performance.now() + TIMEOUT_MS;
  while (runner.isTransactionActive) {
    if (performance.now() > deadline) throw new HostTransactionOpenError(TIMEOUT_MS);
    await delay(POLL_INTERVAL_MS);
  }
  // Nothing is awaited between the check and this line.
  const running = job();
  const over = running.then(
    () => undefined,
    () => undefined,
  );
  connection.job = over;
  try {
    return await running;
  } finally {
    connection.job = null;
  }
}

/** Begins a transaction of the plugin. */
export function beginOwnTransaction(runner: QueryRunner): Promise<void> {
  const connection = connections.get(runner);
  if (!connection) return runner.startTransaction();
  connection.isOwnStart = true;
  try {
    return runner.startTransaction();
  } finally {
    connection.isOwnStart = false;
  }
}

function sharedConnectionOf(runner: QueryRunner): SharedConnection {
  const known = connections.get(runner);
  if (known) return known;
  const connection: SharedConnection = { job: null, isOwnStart: false };
  connections.set(runner, connection);
  const startTransaction = runner.startTransaction.bind(runner);
  runner.startTransaction = async (...how) => {
    if (!connection.isOwnStart) while (connection.job) await connection.job;
    return startTransaction(...how);
  };
  return connection;
}
