import type { DataSource } from 'typeorm';
import { DatabaseSettingError, type HarmfulSetting } from '../../model/errors/database-setting.errors.js';
import { type Dialect, dialectOf } from '../connections/dialect.js';
import { MYSQL_ENVIRONMENT } from '../connections/mysql.environment.js';
import { POOL_MODE, POSTGRES_ENVIRONMENT } from '../connections/postgres.environment.js';
import { poolModeOf } from './pool-mode.js';
import { queueOf } from '../database/serial-queue.js';
import { type Environment, harmfulAmong, type Settings } from '../connections/setting-rule.js';
import { SQLITE_ENVIRONMENT } from '../connections/sqlite.environment.js';

const ENVIRONMENTS: Record<Dialect['name'], Environment> = {
  mysql: MYSQL_ENVIRONMENT,
  postgres: POSTGRES_ENVIRONMENT,
  sqlite: SQLITE_ENVIRONMENT,
};

/**
 * Checks once at start the settings of the database that the plugin's statements rely on.
 *
 * @returns the settings that are risky, but do not prevent the start.
 * @throws DatabaseSettingError for the first setting under which mailings would go wrong. A database that can't be asked passes, as in `checkSchema`;
 *   each connection is checked anyway (`withGuardedRunner`).
 */
export async function checkEnvironment(dataSource: DataSource): Promise<HarmfulSetting[]> {
  const dialect = dialectOf(dataSource);
  const environment = ENVIRONMENTS[dialect.name];
  // Ask the pooler first: in statement mode it refuses the transaction of `readSettings`, and ends its connection.
  const mode = dialect.name === 'postgres' ? await poolModeOf(dataSource).catch(() => null) : null;
  const look = (): Promise<Settings> => readSettings(dataSource, environment);
  const asked = dialect.oneConnection ? queueOf(dataSource).run(look) : look();
  const settings = new Map(await asked.catch(() => []));
  if (mode !== null) settings.set(POOL_MODE, mode);
  const [worst] = harmfulAmong(environment.refused, settings);
  if (worst) throw new DatabaseSettingError(worst);
  return harmfulAmong(environment.reported, settings);
}

/**
 * Uses no guarded runner: the settings that it refuses are to be refused here, at start. Reads in a transaction for the reason given at
 * `MailingDatabase.rows`: a replica would report that it is read-only.
 */
async function readSettings(dataSource: DataSource, environment: Environment): Promise<Settings> {
  const { oneConnection, onPrimary } = dialectOf(dataSource);
  const runner = dataSource.createQueryRunner();
  const ask = (sql: string): Promise<Record<string, unknown>[]> => runner.query(onPrimary + sql);
  try {
    if (oneConnection) return await environment.read(ask);
    await runner.startTransaction();
    const settings = await environment.read(ask);
    // The commit may fail under a harmful completion_type, which is in the settings already.
    await runner.commitTransaction().catch(() => undefined);
    return settings;
  } catch (error) {
    await runner.rollbackTransaction().catch(() => undefined);
    throw error;
  } finally {
    await runner.release();
  }
}
