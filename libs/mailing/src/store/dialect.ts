import type { DataSource } from 'typeorm';
import { UnsupportedDatabaseError } from '../model/setup.errors.js';

/** The few places where databases spell the same thing differently. All times are UTC, by the database's clock. */
export interface Dialect {
  readonly name: 'mysql' | 'sqlite';
  /** Expression: this moment. */
  readonly now: string;
  /** Expression: as many milliseconds ago as the placeholder says. */
  readonly agoMs: string;
  /** Expression: as many milliseconds from now as the placeholder says. */
  readonly inMs: string;
  /** Expression: milliseconds since 1970 of a column, whatever time zone the driver is set to. */
  epochMs(column: string): string;
  /** `INSERT` that drops rows whose unique key exists. */
  readonly insertIgnore: string;
  /** True if all flows of the process share one connection, whose transactions are not isolated from each other. */
  readonly oneConnection: boolean;
  /** Rows of one insert. */
  readonly rowsPerInsert: number;
}

const MYSQL: Dialect = {
  name: 'mysql',
  now: 'UTC_TIMESTAMP(3)',
  agoMs: 'UTC_TIMESTAMP(3) - INTERVAL (? * 1000) MICROSECOND',
  inMs: 'UTC_TIMESTAMP(3) + INTERVAL (? * 1000) MICROSECOND',
  epochMs: (column) => `TIMESTAMPDIFF(MICROSECOND, '1970-01-01', ${column}) DIV 1000`,
  // IGNORE and not ON DUPLICATE KEY UPDATE: only here do the affected rows mean "inserted" under both found-rows
  // settings. Its price, silently cut values, is avoided by cutting them ourselves before.
  insertIgnore: 'INSERT IGNORE INTO',
  oneConnection: false,
  rowsPerInsert: 1_000,
};

const SQLITE: Dialect = {
  name: 'sqlite',
  now: "strftime('%Y-%m-%d %H:%M:%f', 'now')",
  agoMs: "strftime('%Y-%m-%d %H:%M:%f', 'now', (-1 * ? / 1000.0) || ' seconds')",
  inMs: "strftime('%Y-%m-%d %H:%M:%f', 'now', (? / 1000.0) || ' seconds')",
  epochMs: (column) => `CAST(ROUND((julianday(${column}) - 2440587.5) * 86400000) AS INTEGER)`,
  insertIgnore: 'INSERT OR IGNORE INTO',
  oneConnection: true,
  // A statement may have 32,766 parameters.
  rowsPerInsert: 500,
};

/** @throws UnsupportedDatabaseError for a driver whose SQL we have never run. */
export function dialectOf(dataSource: DataSource): Dialect {
  switch (dataSource.options.type) {
    case 'mysql':
    case 'mariadb':
      return MYSQL;
    case 'better-sqlite3':
      return SQLITE;
    default:
      throw new UnsupportedDatabaseError(dataSource.options.type);
  }
}
