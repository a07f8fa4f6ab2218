import { DataSource, type DataSourceOptions } from 'typeorm';
import { mailingEntities } from './libs/mailing/src/model/tables/mailing-entities.js';
import { mailingMigrations } from './libs/mailing/src/store/migrations/mailing-migrations.js';
import { dataSourceOptionsOf } from './src/database/data-source.options.js';

/** Everything the mailing tables need, on one database; the database tests connect with the same. */
export function mailingDataSourceOptions(url: string, entityPrefix = ''): DataSourceOptions {
  return {
    ...dataSourceOptionsOf(url),
    entities: mailingEntities,
    migrations: mailingMigrations,
    entityPrefix,
  };
}

/** What the `migration:*` scripts work on: `DATABASE_URL`, tables prefixed with `MAILING_ENTITY_PREFIX`. */
export default new DataSource(
  mailingDataSourceOptions(
    process.env.DATABASE_URL ?? 'sqlite:mailing.sqlite',
    process.env.MAILING_ENTITY_PREFIX,
  ),
);
