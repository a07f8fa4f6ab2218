import type { DataSource, QueryRunner } from 'typeorm';

/** What a connection to PostgreSQL is, as far as one can see from this end: of its own, or one of a pooler that shares its own. */
export type PoolMode = 'none' | 'session' | 'transaction' | 'statement';

/** A connection as `pg` has it: the process that the other end said it is. */
interface GreetedConnection {
  processID?: number | null;
}

/** Another connection of the pool may be in use for long. */
const TIMEOUT_MS = 2_000;

const ROUNDS = 10;

const REFUSES_TRANSACTIONS = /transaction blocks not allowed in statement pooling mode/i;

/**
 * Finds out whether a pooler stands before PostgreSQL, as pgbouncer does, and what it shares.
 *
 * - A pooler greets with a number of its own in place of that of the server's process.
 * - In statement mode it refuses the statement that begins a transaction.
 * - In transaction mode it gives the next client that wants one the connection that was last free. So a second session that begins a transaction
 *   right after a question of the first one finds itself in the same process of the server, or sends the first one to another. Where each session
 *   has a connection of its own, neither can be. Others may come in between and hide it, so it is tried several times.
 *
 * Rejected: to look whether a setting of the session is still there. It nearly always is while no other client is active, and it would
 * be left behind for others.
 *
 * @returns null where it can not be told: a pool of one has no second session.
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

/** @returns null if the pool has none to give in time; one that comes later goes back. */
async function takeSecond(dataSource: DataSource): Promise<QueryRunner | null> {
  const runner = dataSource.createQueryRunner('master');
  const taken = runner.connect().then(() => runner);
  let timer: NodeJS.Timeout | undefined;
  const isLate = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), TIMEOUT_MS)));
  try {
    const first = await Promise.race([taken, isLate]);
    if (first === null) taken.then((late) => late.release()).catch(() => undefined);
    return first;
  } finally {
    clearTimeout(timer);
  }
}

async function pidOf(runner: QueryRunner): Promise<number> {
  const [{ pid }] = (await runner.query('SELECT pg_backend_pid() AS pid')) as { pid: number }[];
  return pid;
}
