import { type DataSourceOptions, Index } from 'typeorm';

/** What is looked at of an index that TypeORM builds for one data source. */
interface IndexUnderWay {
  givenName?: string;
  entityMetadata?: { dataSource?: { options: DataSourceOptions } };
}

/**
 * Name of one of our indexes in a data source.
 *
 * On PostgreSQL the names of indexes are unique in a schema, so that of a prefixed table carries the prefix. MySQL and
 * MariaDB keep them apart by table. On SQLite, where they are unique in the file, databases with the plain name are out
 * there, and so two prefixes need two files.
 */
export function indexNameOf({ type, entityPrefix }: DataSourceOptions, name: string): string {
  return type === 'postgres' ? `${entityPrefix ?? ''}${name}` : name;
}

/**
 * `@Index` with a name that depends on the data source (`indexNameOf`), so that hosts which compare the entities with
 * their database find the index that the migrations have made.
 *
 * A decorator knows no data source. TypeORM asks for the columns while it builds the index of one, and that is the moment
 * at which the name can still be told; a TypeORM that asked in another way would leave the plain name.
 */
export function PrefixedIndex(
  name: string,
  properties: string[],
  options: { unique?: boolean } = {},
): ClassDecorator {
  function columns(this: IndexUnderWay | undefined): string[] {
    const dataSource = this?.entityMetadata?.dataSource;
    if (this && dataSource) this.givenName = indexNameOf(dataSource.options, name);
    return properties;
  }
  return Index(name, columns, options) as ClassDecorator;
}
