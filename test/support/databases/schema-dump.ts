import type { DataSource } from 'typeorm';

/** The schema by table name, as statements that would create the table and its indexes. */
export async function schemaOf(dataSource: DataSource): Promise<Map<string, string>> {
  const tables = await tablesOf(dataSource);
  return new Map([...tables].sort(([a], [b]) => a.localeCompare(b)));
}

function tablesOf(dataSource: DataSource): Promise<Map<string, string>> {
  switch (dataSource.options.type) {
    case 'better-sqlite3':
      return sqliteTables(dataSource);
    case 'postgres':
      return postgresTables(dataSource);
    default:
      return mysqlTables(dataSource);
  }
}

async function sqliteTables(dataSource: DataSource): Promise<Map<string, string>> {
  const rows = await dataSource.query<{ table: string; sql: string }[]>(
    `SELECT tbl_name AS "table", group_concat(sql, ';') AS sql
       FROM (SELECT tbl_name, sql FROM sqlite_master WHERE tbl_name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name)
      GROUP BY tbl_name`,
  );
  return new Map(rows.map(({ table, sql }) => [table, sql]));
}

async function mysqlTables(dataSource: DataSource): Promise<Map<string, string>> {
  const names = await dataSource.query<{ name: string }[]>(
    'SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()',
  );
  const tables = new Map<string, string>();
  for (const { name } of names) {
    const [row] = await dataSource.query<Record<string, string>[]>(`SHOW CREATE TABLE \`${name}\``);
    // The counter of the migrations table changes with each run, so it does not count as schema.
    tables.set(name, row['Create Table'].replace(/ AUTO_INCREMENT=\d+/, ''));
  }
  return tables;
}

/** PostgreSQL has no statement that prints how a table is created, so columns, constraints and indexes are listed one by one. */
async function postgresTables(dataSource: DataSource): Promise<Map<string, string>> {
  const rows = await dataSource.query<{ table: string; part: string }[]>(
    `SELECT c.relname AS "table", p.part FROM pg_class c
       JOIN LATERAL (
         SELECT 1 AS kind, a.attnum::text AS place, concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
             CASE WHEN a.attnotnull THEN 'NOT NULL' END, pg_get_expr(d.adbin, d.adrelid)) AS part
           FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         UNION ALL
         SELECT 2, conname, conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = c.oid
         UNION ALL
         SELECT 3, i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE i.indrelid = c.oid
       ) p ON true
      WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
      ORDER BY c.relname, p.kind, p.place`,
  );
  const tables = new Map<string, string>();
  for (const { table, part } of rows) tables.set(table, `${tables.get(table) ?? ''}${part};\n`);
  return tables;
}
