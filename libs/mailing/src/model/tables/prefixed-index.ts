import { type DataSourceOptions, Index } from 'typeorm';
import { dataSourceOf } from './data-source-of.js';

/** The part that is read of an index that TypeORM builds for one data source. */
interface IndexUnderWay {
  givenName?: string;
  entityMetadata?: object;
}

/**
 * Name of one of our indexes in a data source.
 *
 * PostgreSQL keeps the names of indexes unique in a schema, and SQLite in a file, so the index of a prefixed table carries the prefix. MySQL and
 * MariaDB keep them apart by table.
 */
export function indexNameOf({ type, entityPrefix }: DataSourceOptions, name: string): string {
  return type === 'mysql' || type === 'mariadb' ? name : `${entityPrefix ?? ''}${name}`;
}

/**
 * `@Index` with a name that depends on the data source (`indexNameOf`), so that hosts that compare the entities with their database find
 * the index that the migrations have made.
 *
 * A decorator does not know the data source. TypeORM calls `columns` while it builds the index for one data source, and the name can still
 * be set then. A TypeORM version that asks in another way would keep the plain name.
 */
export function PrefixedIndex(
  name: string,
  properties: string[],
  options: { unique?: boolean } = {},
): ClassDecorator {
  function columns(this: IndexUnderWay | undefined): string[] {
    const dataSource = this?.entityMetadata && dataSourceOf(this.entityMetadata);
    if (this && dataSource) this.givenName = indexNameOf(dataSource.options, name);
    return properties;
  }
  return Index(name, columns, options) as ClassDecorator;
}
