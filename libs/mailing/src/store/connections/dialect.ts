import type { DataSource } from 'typeorm';
import { UnsupportedDatabaseError } from '../../model/options/setup.errors.js';

/** A statement as a driver takes it. */
export interface Bound {
  sql: string;
  parameters: unknown[];
}

const asItIs = (sql: string, parameters: unknown[]): Bound => ({ sql, parameters });

/**
 * PostgreSQL refuses a text with a NUL, and SQLite's drivers read it up to there. One in an answer of a mail server must
 * not keep a commit from being written, and an id must not turn into a shorter one.
 */
function withoutNul(parameters: unknown[]): unknown[] {
  return parameters.map((one) =>
    typeof one === 'string' && one.includes('\0') ? one.replaceAll('\0', '\uFFFD') : one,
  );
}

/** The few places where databases spell the same thing differently. All times are UTC, by the database's clock. */
export interface Dialect {
  readonly name: 'mysql' | 'sqlite' | 'postgres';
  /** Expression: the moment at which the statement began, the same at every place of it. */
  readonly now: string;
  /** Expression: what the server calls itself, so that two can be told apart behind one address, or after one has taken over the address of another. */
  readonly server: string;
  /** Expression: as many milliseconds ago as the placeholder says. */
  readonly agoMs: string;
  /** Expression: as many milliseconds from now as the placeholder says. */
  readonly inMs: string;
  /** Expression: milliseconds since 1970 of a column, whatever time zone the driver is set to. */
  epochMs(column: string): string;
  /** Expression: what is left of a number after division. MariaDB knows no `%` under `sql_mode` ORACLE. */
  modulo(dividend: string, divisor: string): string;
  /**
   * Statement: an insert that drops rows whose unique key exists. MySQL and MariaDB drop and change more by it, each with a warning,
   * and a trigger of the host's may drop rows anywhere: its caller makes sure of what was dropped.
   *
   * @param into table and columns
   * @param rows what follows `VALUES`
   */
  insertIgnore(into: string, rows: string): string;
  /**
   * Ends a question, also one in the condition of a change: its rows are read as they are now, and stay so until the
   * transaction is over. Empty where nobody else writes meanwhile.
   */
  readonly whileItLasts: string;
  /** Statement before the names of tables: looks at them, for better plans. Null where ranges of an index are looked at anyway. */
  readonly analyze: string | null;
  /**
   * Stands before a question and keeps it on the primary server. pgpool asks a replica also within a transaction, until that has written
   * something, but not where a comment comes first. Empty where a transaction is enough.
   */
  readonly onPrimary: string;
  /** What the driver is given for a statement with `?` for each parameter. */
  bind(sql: string, parameters: unknown[]): Bound;
  /** True if all flows of the process share one connection, whose transactions are not isolated from each other. */
  readonly oneConnection: boolean;
  /** Rows of one insert. */
  readonly rowsPerInsert: number;
}

const MYSQL: Dialect = {
  name: 'mysql',
  now: 'UTC_TIMESTAMP(3)',
  server: "CONCAT(@@hostname, ':', @@port, ':', @@server_id)",
  agoMs: 'UTC_TIMESTAMP(3) - INTERVAL (? * 1000) MICROSECOND',
  inMs: 'UTC_TIMESTAMP(3) + INTERVAL (? * 1000) MICROSECOND',
  epochMs: (column) => `TIMESTAMPDIFF(MICROSECOND, '1970-01-01', ${column}) DIV 1000`,
  modulo: (dividend, divisor) => `MOD(${dividend}, ${divisor})`,
  // IGNORE and not ON DUPLICATE KEY UPDATE: only here do the affected rows mean "inserted" under both found-rows
  // settings. Its price is that errors of every kind become warnings.
  insertIgnore: (into, rows) => `INSERT IGNORE INTO ${into} VALUES ${rows}`,
  // Subqueries of a change lock what they read anyway, but not where the host's transactions are READ COMMITTED.
  whileItLasts: 'LOCK IN SHARE MODE',
  analyze: null,
  onPrimary: '',
  bind: asItIs,
  oneConnection: false,
  rowsPerInsert: 4_000,
};

const SQLITE: Dialect = {
  name: 'sqlite',
  now: "strftime('%Y-%m-%d %H:%M:%f', 'now')",
  server: "''",
  agoMs: "strftime('%Y-%m-%d %H:%M:%f', 'now', (-1 * ? / 1000.0) || ' seconds')",
  inMs: "strftime('%Y-%m-%d %H:%M:%f', 'now', (? / 1000.0) || ' seconds')",
  epochMs: (column) => `CAST(ROUND((julianday(${column}) - 2440587.5) * 86400000) AS INTEGER)`,
  modulo: (dividend, divisor) => `${dividend} % ${divisor}`,
  insertIgnore: (into, rows) => `INSERT INTO ${into} VALUES ${rows} ON CONFLICT DO NOTHING`,
  whileItLasts: '',
  analyze: null,
  onPrimary: '',
  bind: (sql, parameters) => ({ sql, parameters: withoutNul(parameters) }),
  oneConnection: true,
  // A statement may have 32,766 parameters.
  rowsPerInsert: 500,
};

/**
 * `statement_timestamp()` is what the other two call now: the moment of the statement. `now()` would be that of the
 * transaction, which may have waited for a lock since; `clock_timestamp()` moves on inside the statement, and no index
 * serves a condition that does. Cut to milliseconds, because a `timestamp(3)` is rounded: what is due at once would lie
 * up to half a millisecond ahead.
 */
const POSTGRES_NOW = `date_trunc('milliseconds', statement_timestamp() AT TIME ZONE 'UTC')`;
// The parameter has no type but the one that is written here.
const POSTGRES_MS = `CAST(? AS double precision) * INTERVAL '1 millisecond'`;

const POSTGRES: Dialect = {
  name: 'postgres',
  now: POSTGRES_NOW,
  // The address is the one that the connection came in on, which moves with a failover, and null over a Unix socket; so the start of the server
  // tells, too. Rejected: the time line, which not every service that calls itself PostgreSQL tells.
  server: `CONCAT(host(inet_server_addr()), ':', inet_server_port(), ':', EXTRACT(EPOCH FROM pg_postmaster_start_time()))`,
  agoMs: `${POSTGRES_NOW} - ${POSTGRES_MS}`,
  inMs: `${POSTGRES_NOW} + ${POSTGRES_MS}`,
  epochMs: (column) => `CAST(EXTRACT(EPOCH FROM ${column}) * 1000 AS bigint)`,
  modulo: (dividend, divisor) => `MOD(${dividend}, ${divisor})`,
  insertIgnore: (into, rows) => `INSERT INTO ${into} VALUES ${rows} ON CONFLICT DO NOTHING`,
  whileItLasts: 'FOR SHARE',
  analyze: 'ANALYZE (SKIP_LOCKED)',
  onPrimary: '/*NO LOAD BALANCE*/ ',
  bind: bindNumbered,
  oneConnection: false,
  // A statement may have 65,535 parameters.
  rowsPerInsert: 4_000,
};

/** Numbers the parameters, in one pass; no text of ours has a `?` that is none. */
function bindNumbered(sql: string, parameters: unknown[]): Bound {
  let count = 0;
  return { sql: sql.replaceAll('?', () => `$${++count}`), parameters: withoutNul(parameters) };
}

/** @throws UnsupportedDatabaseError for a driver whose SQL we have never run. */
export function dialectOf(dataSource: DataSource): Dialect {
  switch (dataSource.options.type) {
    case 'mysql':
    case 'mariadb':
      return MYSQL;
    case 'better-sqlite3':
      return SQLITE;
    case 'postgres':
      return POSTGRES;
    default:
      throw new UnsupportedDatabaseError(dataSource.options.type);
  }
}
