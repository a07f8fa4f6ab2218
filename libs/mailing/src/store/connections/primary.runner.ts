import type { DataSource, QueryRunner } from 'typeorm';
import { dataSourceOf } from '../../model/tables/data-source-of.js';
import { DatabaseBehindError } from '../../model/errors/database-behind.error.js';
import { publicReasonOf } from '../../model/values/public-text.js';
import { ReadOnlyServerError } from '../../model/errors/read-only-server.error.js';
import { isNotPrimary, provesNoCommit } from '../faults/database-fault.js';
import { PrimaryWatch } from './primary.watch.js';

/** The second attempt gets a new connection, so a third one would get the same answer. */
const ATTEMPTS = 2;

/** Bounds the closing of condemned connections: a pool that does not report new connections would be emptied without end. */
const MAX_POOL = 200;

/** A connection of a driver: `mysql2` has `destroy`, `pg` has `end`. */
interface PooledConnection {
  destroy?(): void;
  end?(): Promise<void>;
}

/**
 * Runs a job on a connection to the primary server, and releases the connection.
 *
 * If the server answers that it is read-only, the connection is closed instead of going back to the pool, and the job is repeated as a whole on a new
 * one. Such an answer nearly always proves that nothing of the job was committed; if it does not, the job is not repeated. If the new connection
 * leads to a read-only server too, the failover is not finished, or the data source names such a server; then the job fails as in any other outage.
 *
 * Rejected: asking each connection before its use whether its server writes. That is one more statement for each statement of the plugin, and true
 * only for the moment.
 *
 * @throws ReadOnlyServerError if the new connection leads to a read-only server, too.
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
      // A ReadOnlyServerError would say that nothing was committed.
      throw provesNoCommit(error) ? refusal : error;
    } finally {
      await runner.release();
    }
  }
}

/**
 * Takes a runner from the pool. The pool gives the connection first that was released last, so this also closes all idle connections that are
 * condemned.
 */
async function takeRunner(dataSource: DataSource, watch: PrimaryWatch): Promise<QueryRunner> {
  for (let numClosed = 0; ; numClosed++) {
    const runner = dataSource.createQueryRunner('master');
    try {
      const connection = (await runner.connect()) as PooledConnection;
      if (!watch.isCondemned(connection) || numClosed === MAX_POOL) return runner;
      close(connection);
    } catch (error) {
      await runner.release();
      throw error;
    }
    await runner.release();
  }
}

/**
 * Closes a connection whose server lags behind. On the first sight of a lag all older connections are condemned, too: some may lead to that server,
 * and the next attempt must not use them.
 */
async function leave(
  watch: PrimaryWatch,
  runner: QueryRunner,
  { isFirst }: DatabaseBehindError,
): Promise<void> {
  const connection = (await runner.connect()) as PooledConnection;
  // SQLite has only one connection, to a file.
  if (!connection.destroy && !connection.end) return;
  if (isFirst) watch.condemn(connection);
  close(connection);
}

/** The pool drops a closed connection when it is released. */
function close(connection: PooledConnection): void {
  if (connection.destroy) connection.destroy();
  else connection.end?.().catch(() => undefined);
}

async function refusalOf(runner: QueryRunner, error: unknown): Promise<ReadOnlyServerError> {
  const server = await nameOfServer(runner).catch(() => null);
  return new ReadOnlyServerError(server, publicReasonOf(error), { cause: error });
}

/** Asks the server for its name: behind a proxy or a moving host name only the server itself knows it. */
async function nameOfServer(runner: QueryRunner): Promise<string | null> {
  const isPostgres = dataSourceOf(runner).options.type === 'postgres';
  const place = isPostgres
    ? 'host(inet_server_addr()) AS host, inet_server_port() AS port'
    : '@@hostname AS host, @@port AS port';
  const [{ host, port }] = (await runner.query(`SELECT ${place}`)) as { host: unknown; port: unknown }[];
  return typeof host === 'string' ? `${host}:${String(port)}` : null;
}
