import type { DataSource, QueryRunner } from 'typeorm';
import { UNSAFE_CONNECTION, UnsafeConnectionError } from '../../model/errors/database-setting.errors.js';
import { hostTransactionOver } from './host-transaction.js';
import { NO_ESCAPING } from './mysql.environment.js';
import { holdMysqlConnection } from './mysql-connection.guard.js';
import { withPrimaryRunner } from './primary.runner.js';
import { UnsafeConnections } from './unsafe-connections.js';

/** Which connection the job gets. */
export interface Wanted {
  /** A runner of the host that is to be used; it is not released. Without it one is taken from the pool. */
  given?: QueryRunner | undefined;
  /** Where the host has replicas, a question may go to one of them. Default: to the primary server. */
  isRead?: boolean;
  /** Nothing is written, so on SQLite it may be asked within a transaction of the host. Default: as `isRead`. */
  mayJoin?: boolean;
}

/**
 * The only way of the plugin to a connection of the host's pool: the job gets a runner whose connection was looked at, and is watched
 * until the job is over. On the primary server the job is done again where a connection leads to a server that writes nothing
 * (`withPrimaryRunner`), so it must be one that may be repeated as a whole. On PostgreSQL and SQLite values are bound by the database, and nothing can come between.
 *
 * @throws ReadOnlyServerError if new connections lead to such a server, too; UnsafeConnectionError if the connection has come to a setting
 * under which no statement may run; HostTransactionOpenError.
 */
export async function withGuardedRunner<T>(
  dataSource: DataSource,
  job: (runner: QueryRunner) => Promise<T>,
  { given, isRead = false, mayJoin = isRead }: Wanted = {},
): Promise<T> {
  // What the host has begun on its own runner can't be begun again here.
  if (given) return guarded(dataSource, given, false, job);
  const mode = isRead ? dataSource.defaultReplicationModeForReads() : 'master';
  const isShared = dataSource.options.type === 'better-sqlite3';
  const onIt = async (runner: QueryRunner): Promise<T> => {
    if (isShared && !mayJoin) await hostTransactionOver(runner);
    return guarded(dataSource, runner, true, job);
  };
  if (mode === 'master' || !dataSource.driver.isReplicated) return withPrimaryRunner(dataSource, onIt);
  const runner = dataSource.createQueryRunner(mode);
  try {
    return await onIt(runner);
  } finally {
    await runner.release();
  }
}

async function guarded<T>(
  dataSource: DataSource,
  runner: QueryRunner,
  isOurs: boolean,
  job: (runner: QueryRunner) => Promise<T>,
): Promise<T> {
  try {
    const letGo = await hold(dataSource, runner, isOurs);
    try {
      return await job(runner);
    } finally {
      letGo();
    }
  } catch (error) {
    const unsafe = asUnsafe(error);
    if (!unsafe) throw error;
    UnsafeConnections.of(dataSource).note(unsafe);
    throw unsafe;
  }
}

const NOTHING_TO_LET_GO = (): void => undefined;

async function hold(dataSource: DataSource, runner: QueryRunner, isOurs: boolean): Promise<() => void> {
  const { type } = dataSource.options;
  if (type !== 'mysql' && type !== 'mariadb') return NOTHING_TO_LET_GO;
  return holdMysqlConnection(runner, isOurs);
}

/** TypeORM wraps what a driver answers; some versions of the driver keep no more of an error than its facts. */
function asUnsafe(error: unknown): UnsafeConnectionError | null {
  if (error instanceof UnsafeConnectionError) return error;
  const { driverError, code } = (error ?? {}) as { driverError?: unknown; code?: unknown };
  if (driverError instanceof UnsafeConnectionError) return driverError;
  return code === UNSAFE_CONNECTION ? new UnsafeConnectionError(NO_ESCAPING) : null;
}
