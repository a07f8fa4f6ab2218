import type { DataSource } from 'typeorm';

/** What the database itself says about every table: name to the statements that would make it and its indexes. */
export async function schemaOf(dataSource: DataSource): Promise<Map<string, string>> {
  const tables = isSqlite(dataSource) ? await sqliteTables(dataSource) : await serverTables(dataSource);
  return new Map([...tables].sort(([a], [b]) => a.localeCompare(b)));
}

function isSqlite({ options }: DataSource): boolean {
  return options.type === 'better-sqlite3';
}

async function sqliteTables(dataSource: DataSource): Promise<Map<string, string>> {
  const rows = await dataSource.query<{ table: string; sql: string }[]>(
    `SELECT tbl_name AS "table", group_concat(sql, ';') AS sql
       FROM (SELECT tbl_name, sql FROM sqlite_master WHERE tbl_name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name)
      GROUP BY tbl_name`,
  );
  return new Map(rows.map(({ table, sql }) => [table, sql]));
}

async function serverTables(dataSource: DataSource): Promise<Map<string, string>> {
  const names = await dataSource.query<{ name: string }[]>(
    'SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()',
  );
  const tables = new Map<string, string>();
  for (const { name } of names) {
    const [row] = await dataSource.query<Record<string, string>[]>(`SHOW CREATE TABLE \`${name}\``);
    // The counter of the migrations table moves with each run; it is no part of the schema.
    tables.set(name, row['Create Table'].replace(/ AUTO_INCREMENT=\d+/, ''));
  }
  return tables;
}
