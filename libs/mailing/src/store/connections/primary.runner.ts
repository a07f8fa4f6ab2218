import type { DataSource, QueryRunner } from 'typeorm';
import { DatabaseBehindError } from '../../model/errors/database-behind.error.js';
import { publicReasonOf } from '../../model/values/public-text.js';
import { ReadOnlyServerError } from '../../model/errors/read-only-server.error.js';
import { isNotPrimary, provesNoCommit } from '../faults/database-fault.js';
import { PrimaryWatch } from './primary.watch.js';

/** The second one is made for it, so a third would be told the same. */
const ATTEMPTS = 2;

/** A pool that does not tell of new connections must not be emptied for ever. */
const LARGEST_POOL = 200;

/** A connection as the drivers have it: `mysql2` destroys one, `pg` ends it. */
interface PooledConnection {
  destroy?(): void;
  end?(): Promise<void>;
}

/**
 * Runs a job on a connection to the primary server, and gives the connection back.
 *
 * A connection whose server says that it is read-only is closed instead of going back to the pool, and the job is done again as a
 * whole on a new one: such an answer nearly always proves that nothing of it was committed, and where it does not, it is the end. Where the new connection leads to a read-only server
 * too, the failover is not through, or the data source leads there; then the job fails as it does in any other outage.
 *
 * Rejected: to ask each connection before its use whether its server writes, which is a statement more for each of ours, and true
 * only for the moment.
 *
 * @throws ReadOnlyServerError
 */
export async function withPrimaryRunner<T>(
  dataSource: DataSource,
  job: (runner: QueryRunner) => Promise<T>,
): Promise<T> {
  const watch = PrimaryWatch.of(dataSource);
  for (let attempt = 1; ; attempt++) {
    const runner = await takeRunner(dataSource, watch);
    try {
      return await job(runner);
    } catch (error) {
      if (error instanceof DatabaseBehindError) await leave(watch, runner, error);
      if (!isNotPrimary(error)) throw error;
      const refusal = await refusalOf(runner, error);
      const connection = (await runner.connect()) as PooledConnection;
      watch.condemn(connection);
      watch.tellBreak();
      watch.answers.note(refusal);
      close(connection);
      if (attempt < ATTEMPTS && provesNoCommit(error)) continue;
      watch.outages.note(refusal);
      // The refusal would say that nothing was committed.
      throw provesNoCommit(error) ? refusal : error;
    } finally {
      await runner.release();
    }
  }
}

/** The pool gives the connection first that came back last, so this also closes all that lie idle and are condemned. */
async function takeRunner(dataSource: DataSource, watch: PrimaryWatch): Promise<QueryRunner> {
  for (let numClosed = 0; ; numClosed++) {
    const runner = dataSource.createQueryRunner('master');
    try {
      const connection = (await runner.connect()) as PooledConnection;
      if (!watch.isCondemned(connection) || numClosed === LARGEST_POOL) return runner;
      close(connection);
    } catch (error) {
      await runner.release();
      throw error;
    }
    await runner.release();
  }
}

/** Others that lead there are older than the first sight of it; the next try is not to be made on one of them. */
async function leave(
  watch: PrimaryWatch,
  runner: QueryRunner,
  { isFirst }: DatabaseBehindError,
): Promise<void> {
  const connection = (await runner.connect()) as PooledConnection;
  // SQLite has one, to a file.
  if (!connection.destroy && !connection.end) return;
  if (isFirst) watch.condemn(connection);
  close(connection);
}

/** The pool drops it when it is released. */
function close(connection: PooledConnection): void {
  if (connection.destroy) connection.destroy();
  else connection.end?.().catch(() => undefined);
}

async function refusalOf(runner: QueryRunner, error: unknown): Promise<ReadOnlyServerError> {
  const server = await nameOfServer(runner).catch(() => null);
  return new ReadOnlyServerError(server, publicReasonOf(error), { cause: error });
}

/** Behind a proxy or a name that moves, only the server itself can tell. */
async function nameOfServer(runner: QueryRunner): Promise<string | null> {
  const isPostgres = runner.dataSource.options.type === 'postgres';
  const place = isPostgres
    ? 'host(inet_server_addr()) AS host, inet_server_port() AS port'
    : '@@hostname AS host, @@port AS port';
  const [{ host, port }] = (await runner.query(`SELECT ${place}`)) as { host: unknown; port: unknown }[];
  return typeof host === 'string' ? `${host}:${String(port)}` : null;
}
