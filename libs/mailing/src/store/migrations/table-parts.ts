import { type QueryRunner, Table, type TableColumnOptions } from 'typeorm';
import { indexNameOf } from '../../model/tables/prefixed-index.js';

/**
 * Collations of the tables, the best one first. Whole tables are in utf8mb4, whatever the default of the database: names and subjects may hold any
 * character. Ids of profiles are compared exactly, including letter case and trailing spaces: `aB` and `Ab`, `x` and `x ` are two profiles each.
 * SQLite and PostgreSQL compare so by default.
 *
 * The first one that the server has is used: MariaDB since 10.2, MySQL since 8.0.17. The last one, which every server has, compares `x ` as equal to
 * `x`; there the second of the two is skipped as `not_storable`.
 */
const COLLATIONS = ['utf8mb4_nopad_bin', 'utf8mb4_0900_bin', 'utf8mb4_bin'];

/** An index of a new table. */
export interface TablePartsIndex {
  name: string;
  columnNames: string[];
  isUnique?: boolean;
}

/** Parts of the plugin's tables, each spelled as TypeORM spells it for the entities on this database. */
export class TableParts {
  readonly #runner: QueryRunner;
  readonly #isMysql: boolean;
  readonly #isPostgres: boolean;

  private constructor(
    runner: QueryRunner,
    /** Null unless the database is MariaDB or MySQL. */
    private readonly server: { collation: string; jsonType: 'json' | 'longtext' } | null,
  ) {
    this.#runner = runner;
    this.#isMysql = server !== null;
    this.#isPostgres = runner.connection.options.type === 'postgres';
  }

  static async of(runner: QueryRunner): Promise<TableParts> {
    const { type } = runner.connection.options;
    if (type !== 'mysql' && type !== 'mariadb') return new TableParts(runner, null);
    // Ask the server: the type of the data source does not tell MySQL from MariaDB.
    const [{ version }] = (await runner.query('SELECT VERSION() AS version')) as { version: string }[];
    const jsonType = version.includes('MariaDB') ? 'json' : 'longtext';
    return new TableParts(runner, { collation: await collationOf(runner), jsonType });
  }

  table(name: string, columns: TableColumnOptions[], indices: TablePartsIndex[] = []): Table {
    return new Table({
      name: this.tableName(name),
      engine: this.server
        ? `InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE ${this.server.collation}`
        : undefined,
      columns,
      indices: indices.map((index) => ({ ...index, name: this.indexName(index.name) })),
    });
  }

  indexName(name: string): string {
    return indexNameOf(this.#runner.connection.options, name);
  }

  /** With the prefix of the data source; TypeORM adds its schema. */
  tableName(name: string): string {
    return `${this.#runner.connection.options.entityPrefix ?? ''}${name}`;
  }

  text(name: string, isNullable = false): TableColumnOptions {
    return { name, type: 'text', isNullable };
  }

  varchar(name: string, length: number, isNullable = false): TableColumnOptions {
    return { name, type: 'varchar', length: String(length), isNullable };
  }

  /** Words of a closed list. TypeORM makes a type of them on PostgreSQL and a check on SQLite. */
  words(name: string, words: readonly string[]): TableColumnOptions {
    return this.#isMysql || this.#isPostgres
      ? { name, type: 'enum', enum: [...words] }
      : { name, type: 'varchar', enum: [...words] };
  }

  /** Names of the types that `words` has made; empty except on PostgreSQL. */
  typesOf(column: string, tables: string[]): string[] {
    const { options } = this.#runner.connection;
    if (options.type !== 'postgres') return [];
    const schema = options.schema === undefined ? '' : `"${options.schema}".`;
    return tables.map((table) => `${schema}"${this.tableName(table)}_${column}_enum"`);
  }

  /**
   * A value whose objects keep the order of their keys.
   *
   * MySQL's type JSON sorts the keys of an object by length; a `longtext` keeps the order that the host gave. MariaDB, SQLite and PostgreSQL store
   * `json` as text. The entities stay `json`: TypeORM accepts a `longtext` for that type, also on MySQL, so hosts that compare the entities with
   * their database find no difference. JSON functions of the database work on both.
   *
   * Rejected: the order in one more key of each object. It costs bytes in each row and a pass over each value that is read, and operators would see
   * it among the host's keys. Rejected: JSON in a JSON string, whose content no JSON function reaches.
   */
  json(name: string): TableColumnOptions {
    return { name, type: this.server?.jsonType ?? 'json', isNullable: true };
  }

  int(name: string, isNullable = false): TableColumnOptions {
    // SQLite accepts both spellings, but TypeORM would alter a column that is not spelled its way.
    return { name, type: this.#isMysql ? 'int' : 'integer', isNullable };
  }

  count(name: string): TableColumnOptions {
    return { ...this.int(name), default: '0' };
  }

  flag(name: string, value: boolean): TableColumnOptions {
    const digit = value ? '1' : '0';
    return {
      name,
      type: this.#isMysql ? 'tinyint' : 'boolean',
      default: this.#isPostgres ? String(value) : digit,
    };
  }

  /** To the millisecond, in UTC. */
  time(name: string, isNullable = false): TableColumnOptions {
    return { name, type: this.#isPostgres ? 'timestamp' : 'datetime', precision: 3, isNullable };
  }

  key(...columns: TableColumnOptions[]): TableColumnOptions[] {
    return columns.map((column) => ({ ...column, isPrimary: true }));
  }
}

async function collationOf(runner: QueryRunner): Promise<string> {
  const known = COLLATIONS.map((name) => `'${name}'`).join(', ');
  const rows = (await runner.query(
    `SELECT COLLATION_NAME AS name FROM information_schema.COLLATIONS WHERE COLLATION_NAME IN (${known})`,
  )) as { name: string }[];
  const found = new Set(rows.map(({ name }) => name));
  return COLLATIONS.find((name) => found.has(name)) ?? 'utf8mb4_bin';
}

/** Makes tables in this order. It may be repeated where it was cut off: MySQL and MariaDB commit each statement by itself. */
export async function createTables(
  runner: QueryRunner,
  tablesOf: (parts: TableParts) => Table[],
): Promise<void> {
  for (const table of tablesOf(await TableParts.of(runner))) await runner.createTable(table, true);
}

/** Drops them in the reverse order. */
export async function dropTables(
  runner: QueryRunner,
  tablesOf: (parts: TableParts) => Table[],
): Promise<void> {
  for (const table of tablesOf(await TableParts.of(runner)).reverse()) await runner.dropTable(table);
}
