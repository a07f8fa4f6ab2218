import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { QueryRunner } from 'typeorm';
import { HostTransactionOpenError } from '../../model/errors/host-transaction.errors.js';

/** The usual busy timeout of SQLite. A caller that awaits the plugin within its own transaction waits for this long in vain. */
const TIMEOUT_MS = 5_000;
const POLL_INTERVAL_MS = 5;

/** What the plugin does on the connection at a time. */
interface Job {
  /** Resolves when it has ended. */
  over: Promise<void>;
}

/** The only connection of a SQLite data source, which the plugin and the host share. */
interface SharedConnection {
  job: Job | null;
}

const connections = new WeakMap<QueryRunner, SharedConnection>();

/** The job that the running code is part of. */
const ownJob = new AsyncLocalStorage<Job>();

/**
 * Keeps the plugin's transactions and those of the host apart on the only connection of SQLite. TypeORM would make each one that begins within the
 * other a savepoint of it, so a rollback of the host would take the plugin's commits along.
 *
 * - The plugin's job waits until the host has no transaction open. The plugin's own jobs run one after another.
 * - A transaction that the host begins during the job waits for the end of the job: a few statements. One that begins within the job does not, or it
 *   would wait for itself: the plugin's own, and that of a subscriber of the host that is told of the job's statements.
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
  const { promise, end } = ending();
  const own: Job = (connection.job = { over: promise });
  try {
    return await ownJob.run(own, job);
  } finally {
    connection.job = null;
    end();
  }
}

function sharedConnectionOf(runner: QueryRunner): SharedConnection {
  const known = connections.get(runner);
  if (known) return known;
  const connection: SharedConnection = { job: null };
  connections.set(runner, connection);
  const startTransaction = runner.startTransaction.bind(runner);
  runner.startTransaction = async (...how) => {
    // A subscriber may begin one long after the job in which it was told: then the connection has another job, or none.
    while (connection.job && connection.job !== ownJob.getStore()) await connection.job.over;
    return startTransaction(...how);
  };
  return connection;
}

function ending(): { promise: Promise<void>; end: () => void } {
  let end = (): void => undefined;
  const promise = new Promise<void>((resolve) => (end = resolve));
  return { promise, end };
}
