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
 * Looks once at start at the settings of the database on which the plugin's statements rest.
 *
 * @returns those that are risky, but no reason not to start.
 * @throws DatabaseSettingError for the first one under which mailings would go wrong. A database that can't be asked is none of
 * this check's business and passes, as it does for `checkSchema`; each connection is looked at anyway (`withGuardedRunner`).
 */
export async function checkEnvironment(dataSource: DataSource): Promise<HarmfulSetting[]> {
  const dialect = dialectOf(dataSource);
  const environment = ENVIRONMENTS[dialect.name];
  // First: a pooler in statement mode refuses the transaction of the look, and ends its connection.
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
 * Not by a guarded runner: what that refuses is to be refused here with the start. In a transaction for the reason of `MailingDatabase.rows`: a
 * replica would say that it only reads.
 */
async function readSettings(dataSource: DataSource, environment: Environment): Promise<Settings> {
  const { oneConnection, onPrimary } = dialectOf(dataSource);
  const runner = dataSource.createQueryRunner();
  const ask = (sql: string): Promise<Record<string, unknown>[]> => runner.query(onPrimary + sql);
  try {
    if (oneConnection) return await environment.read(ask);
    await runner.startTransaction();
    const settings = await environment.read(ask);
    // Under a harmful completion_type it may fail, and that is found in the answer.
    await runner.commitTransaction().catch(() => undefined);
    return settings;
  } catch (error) {
    await runner.rollbackTransaction().catch(() => undefined);
    throw error;
  } finally {
    await runner.release();
  }
}
