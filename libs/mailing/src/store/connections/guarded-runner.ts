import type { DataSource, QueryRunner } from 'typeorm';
import { UNSAFE_CONNECTION, UnsafeConnectionError } from '../../model/errors/database-setting.errors.js';
import { NO_ESCAPING } from './mysql.environment.js';
import { holdMysqlConnection } from './mysql-connection.guard.js';
import { withPrimaryRunner } from './primary.runner.js';
import { withSharedConnection } from './shared-connection.js';
import { UnsafeConnections } from './unsafe-connections.js';

/** Which connection the job gets. */
export interface Wanted {
  /** A runner of the host to use; it is not released. Without it, a runner is taken from the pool. */
  given?: QueryRunner | undefined;
  /** The job only reads, and may run on a replica if the host has some. Default: to the primary server. */
  isRead?: boolean;
  /** The job writes nothing, so on SQLite it may run within a transaction of the host. Default: as `isRead`. */
  mayJoin?: boolean;
}

/**
 * Runs a job on a connection of the host's pool. The plugin gets its connections in no other way.
 *
 * The settings of the connection are checked before the job, and watched until it ends. On the primary server the job is repeated if its connection
 * leads to a server that writes nothing (`withPrimaryRunner`), so it must be repeatable as a whole. On PostgreSQL and SQLite nothing is checked,
 * because the database binds the values.
 *
 * @throws ReadOnlyServerError if new connections lead to such a server, too; UnsafeConnectionError if the connection has a setting under which no
 *   statement may run; HostTransactionOpenError if a transaction of the host stays open on SQLite (`withSharedConnection`).
 */
export async function withGuardedRunner<T>(
  dataSource: DataSource,
  job: (runner: QueryRunner) => Promise<T>,
  { given, isRead = false, mayJoin = isRead }: Wanted = {},
): Promise<T> {
  // The host began work on its own runner, and the plugin can't repeat that work.
  if (given) return guarded(dataSource, given, false, job);
  const mode = isRead ? dataSource.defaultReplicationModeForReads() : 'master';
  const isShared = dataSource.options.type === 'better-sqlite3';
  const onIt = (runner: QueryRunner): Promise<T> => {
    const run = (): Promise<T> => guarded(dataSource, runner, true, job);
    return isShared && !mayJoin ? withSharedConnection(runner, run) : run();
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

/** Finds the error in TypeORM's wrapper. Some versions of the driver keep only its properties, so the code is compared, too. */
function asUnsafe(error: unknown): UnsafeConnectionError | null {
  if (error instanceof UnsafeConnectionError) return error;
  const { driverError, code } = (error ?? {}) as { driverError?: unknown; code?: unknown };
  if (driverError instanceof UnsafeConnectionError) return driverError;
  return code === UNSAFE_CONNECTION ? new UnsafeConnectionError(NO_ESCAPING) : null;
}
