import type { DataSource } from 'typeorm';

/** The data source of a query runner, a query builder or metadata of an entity. TypeORM 0.3 names the property `connection`. */
export function dataSourceOf(owner: object): DataSource {
  const { dataSource, connection } = owner as Record<string, DataSource>;
  return dataSource ?? connection;
}
