import type { DataSource, QueryRunner } from 'typeorm';
import { endsWithin } from '../../model/values/deadline.js';

/**
 * How a connection to PostgreSQL is pooled, as far as the client can see: `none` without a pooler, otherwise the mode in which the pooler shares its
 * own connections.
 */
export type PoolMode = 'none' | 'session' | 'transaction' | 'statement';

/** A connection of `pg`, with the process id that the other end gave in its greeting. */
interface GreetedConnection {
  processID?: number | null;
}

/** How long to wait for a second connection of the pool, which may be in use. */
const TIMEOUT_MS = 2_000;

const ROUNDS = 10;

const REFUSES_TRANSACTIONS = /transaction blocks not allowed in statement pooling mode/i;

/**
 * Finds out whether a pooler, such as pgbouncer, is in front of PostgreSQL, and what it shares.
 *
 * - A pooler greets with a number of its own instead of the process id of the server.
 * - In statement mode it refuses the statement that begins a transaction.
 * - In transaction mode it gives the next client the server connection that became free last. So if a second session begins a transaction right after
 *   a query of the first one, it runs in the same server process, or the first one moves to another process. If each session has a connection of its
 *   own, neither can happen. Other clients may come in between and hide it, so it is tried `ROUNDS` times.
 *
 * Rejected: testing whether a setting of the session is still there. It nearly always is while no other client is active, and it would be left behind
 * for others.
 *
 * @returns null if the mode can't be told: the pool has only one connection, or no second one in time.
 */
export async function poolModeOf(dataSource: DataSource): Promise<PoolMode | null> {
  const first = dataSource.createQueryRunner('master');
  try {
    const { processID } = (await first.connect()) as GreetedConnection;
    const pid = await pidOf(first);
    if (typeof processID !== 'number' || processID === pid) return 'none';
    return await sharedBy(dataSource, first);
  } finally {
    await first.release();
  }
}

async function sharedBy(dataSource: DataSource, first: QueryRunner): Promise<PoolMode | null> {
  const second = await takeSecond(dataSource);
  if (second === null) return null;
  try {
    for (let round = 0; round < ROUNDS; round++) if (await areShared(first, second)) return 'transaction';
    return 'session';
  } catch (error) {
    if (REFUSES_TRANSACTIONS.test(String(error))) return 'statement';
    throw error;
  } finally {
    await second.release();
  }
}

async function areShared(first: QueryRunner, second: QueryRunner): Promise<boolean> {
  const pid = await pidOf(first);
  await second.query('START TRANSACTION');
  const isShared = (await pidOf(second)) === pid || (await pidOf(first)) !== pid;
  await second.query('ROLLBACK');
  return isShared;
}

/** @returns null if the pool gives no connection in time; one that comes later is released. */
async function takeSecond(dataSource: DataSource): Promise<QueryRunner | null> {
  const runner = dataSource.createQueryRunner('master');
  const taken = runner.connect();
  if (await endsWithin(taken, TIMEOUT_MS)) return runner;
  taken.then(() => runner.release()).catch(() => undefined);
  return null;
}

async function pidOf(runner: QueryRunner): Promise<number> {
  const [{ pid }] = (await runner.query('SELECT pg_backend_pid() AS pid')) as { pid: number }[];
  return pid;
}
