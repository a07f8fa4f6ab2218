import type { DataSource } from 'typeorm';
import { UnsupportedDatabaseError } from '../../model/options/setup.errors.js';
import { type TestSeam, testSeamOf } from '../../model/ports/test-seam.js';

/** A statement as the driver gets it. */
export interface Bound {
  sql: string;
  parameters: unknown[];
}

const asItIs = (sql: string, parameters: unknown[]): Bound => ({ sql, parameters });

/**
 * Replaces NUL in texts: PostgreSQL refuses a text with a NUL, and SQLite's drivers read a text only up to it. A NUL in an answer of a mail server
 * must not keep a commit from being written, and an id must not be cut short.
 */
function withoutNul(parameters: unknown[]): unknown[] {
  return parameters.map((one) =>
    typeof one === 'string' && one.includes('\0') ? one.replaceAll('\0', '\uFFFD') : one,
  );
}

/** The SQL that differs between the databases. All times are UTC, by the database's clock. */
export interface Dialect {
  readonly name: 'mysql' | 'sqlite' | 'postgres';
  /** Expression: the moment at which the statement began, the same wherever it occurs in the statement. */
  readonly now: string;
  /** Expression: the server's own name. It distinguishes two servers behind one address, also after one has taken over the address of the other. */
  readonly server: string;
  /** Expression: the moment that many milliseconds ago; the placeholder is the number. */
  readonly agoMs: string;
  /** Expression: the moment that many milliseconds from now; the placeholder is the number. */
  readonly inMs: string;
  /** Expression: a column as milliseconds since 1970, whatever the time zone of the driver. */
  epochMs(column: string): string;
  /** Expression: the remainder of a division. MariaDB has no `%` under `sql_mode` ORACLE. */
  modulo(dividend: string, divisor: string): string;
  /**
   * Statement: an insert that drops rows whose unique key exists. On MySQL and MariaDB it drops and changes more than that, each with a warning, and
   * on every database a trigger of the host may drop rows. So the caller checks what was dropped.
   *
   * @param into table and columns
   * @param rows what follows `VALUES`
   */
  insertIgnore(into: string, rows: string): string;
  /**
   * Suffix of a query, also of one in the condition of a change: its rows are read as they are now, and can't change until the transaction ends.
   * Empty if no other connection writes meanwhile.
   */
  readonly whileItLasts: string;
  /** Statement before the names of tables: refreshes their statistics, for better plans. Null if the planner looks into index ranges anyway. */
  readonly analyze: string | null;
  /**
   * Prefix of a query that keeps it on the primary server. pgpool sends a query to a replica, even in a transaction until that has written something,
   * but not if a comment comes first. Empty if a transaction is enough.
   */
  readonly onPrimary: string;
  /** What the driver gets for a statement with `?` for each parameter. */
  bind(sql: string, parameters: unknown[]): Bound;
  /** True if the whole process shares one connection, whose transactions are not isolated from each other. */
  readonly oneConnection: boolean;
  /** Rows of one insert. */
  readonly rowsPerInsert: number;
}

const SQLITE_TIME = "strftime('%Y-%m-%d %H:%M:%f', 'now'";

const MYSQL: Dialect = {
  name: 'mysql',
  now: 'UTC_TIMESTAMP(3)',
  server: "CONCAT(@@hostname, ':', @@port, ':', @@server_id)",
  agoMs: 'UTC_TIMESTAMP(3) - INTERVAL (? * 1000) MICROSECOND',
  inMs: 'UTC_TIMESTAMP(3) + INTERVAL (? * 1000) MICROSECOND',
  epochMs: (column) => `TIMESTAMPDIFF(MICROSECOND, '1970-01-01', ${column}) DIV 1000`,
  modulo: (dividend, divisor) => `MOD(${dividend}, ${divisor})`,
  // IGNORE instead of ON DUPLICATE KEY UPDATE: only with IGNORE do the affected rows mean "inserted" under both found-rows settings. The price:
  // errors of every kind become warnings.
  insertIgnore: (into, rows) => `INSERT IGNORE INTO ${into} VALUES ${rows}`,
  // Subqueries of a change lock what they read anyway, but not if the host's transactions are READ COMMITTED.
  whileItLasts: 'LOCK IN SHARE MODE',
  analyze: null,
  onPrimary: '',
  bind: asItIs,
  oneConnection: false,
  rowsPerInsert: 4_000,
};

const SQLITE: Dialect = {
  name: 'sqlite',
  now: `${SQLITE_TIME})`,
  server: "''",
  agoMs: `${SQLITE_TIME}, (-1 * ? / 1000.0) || ' seconds')`,
  inMs: `${SQLITE_TIME}, (? / 1000.0) || ' seconds')`,
  epochMs: (column) => `CAST(ROUND((julianday(${column}) - 2440587.5) * 86400000) AS INTEGER)`,
  modulo: (dividend, divisor) => `${dividend} % ${divisor}`,
  insertIgnore: (into, rows) => `INSERT INTO ${into} VALUES ${rows} ON CONFLICT DO NOTHING`,
  whileItLasts: '',
  analyze: null,
  onPrimary: '',
  bind: (sql, parameters) => ({ sql, parameters: withoutNul(parameters) }),
  oneConnection: true,
  // The driver runs a statement in the thread of JavaScript: while it inserts, this process does nothing else.
  rowsPerInsert: 500,
};

/**
 * The moment at which the statement began, as on the other two databases. Cut to milliseconds, because a `timestamp(3)` is rounded: a row that is due
 * at once would lie up to half a millisecond in the future.
 *
 * Rejected: `now()`, the moment at which the transaction began, which may have waited for a lock since; `clock_timestamp()`, which moves on inside
 * the statement, so no index serves a condition with it.
 */
const POSTGRES_NOW = `date_trunc('milliseconds', statement_timestamp() AT TIME ZONE 'UTC')`;
// The cast is needed: the parameter has no other type.
const POSTGRES_MS = `CAST(? AS double precision) * INTERVAL '1 millisecond'`;

const POSTGRES: Dialect = {
  name: 'postgres',
  now: POSTGRES_NOW,
  // The address is the one at which the connection arrived. It moves with a failover and is NULL over a Unix socket, so the name includes the start
  // time of the server. Rejected: the timeline, which not every service that calls itself PostgreSQL reports.
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
  // A statement may have 65,535 parameters; a row has at most 8.
  rowsPerInsert: 4_000,
};

/** Numbers the parameters, in one pass. Invariant: each `?` in the plugin's SQL is a parameter. */
function bindNumbered(sql: string, parameters: unknown[]): Bound {
  let count = 0;
  return { sql: sql.replaceAll('?', () => `$${++count}`), parameters: withoutNul(parameters) };
}

/** SQLite by the clock of a test. Everything else of a dialect is read once; what depends on the clock is read for each statement. */
function sqliteAt(clock: Pick<TestSeam, 'aheadMs'>): Dialect {
  const time = (): string => `${SQLITE_TIME}, '${(clock.aheadMs / 1_000).toFixed(3)} seconds'`;
  return {
    ...SQLITE,
    get now() {
      return `${time()})`;
    },
    get agoMs() {
      return `${time()}, (-1 * ? / 1000.0) || ' seconds')`;
    },
    get inMs() {
      return `${time()}, (? / 1000.0) || ' seconds')`;
    },
  };
}

/** @throws UnsupportedDatabaseError for a driver on which the plugin's SQL was never run. */
export function dialectOf(dataSource: DataSource): Dialect {
  switch (dataSource.options.type) {
    case 'mysql':
    case 'mariadb':
      return MYSQL;
    case 'better-sqlite3': {
      const clock = testSeamOf(dataSource);
      return clock ? sqliteAt(clock) : SQLITE;
    }
    case 'postgres':
      return POSTGRES;
    default:
      throw new UnsupportedDatabaseError(dataSource.options.type);
  }
}
