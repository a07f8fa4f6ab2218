import libsql from 'libsql';
import type { DataSourceOptions } from 'typeorm';
import { timesInUtc } from './postgres-times.js';

/**
 * How long a statement waits for another process that writes to the same SQLite file. A commit takes some milliseconds, so a few servers on one file
 * never wait that long.
 */
const SQLITE_BUSY_TIMEOUT_MS = 10_000;

/**
 * How the pools detect a lost server, and how long they keep a connection. docs/failover.md says what each setting helps against, and what none of
 * them does.
 */
const CONNECT_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_DELAY_MS = 10_000;

const MYSQL_POOL = {
  // Less than the connection limit, 10 by default; otherwise mysql2 never applies the idle timeout.
  maxIdle: 9,
  idleTimeout: 60_000,
  enableKeepAlive: true,
  keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
};

const POSTGRES_POOL = {
  idleTimeoutMillis: 10_000,
  maxLifetimeSeconds: 1_800,
  keepAlive: true,
  keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
};

/**
 * TypeORM's options for one database URL: `sqlite:path/to/file`, `mysql://user:password@host:3306/name`, `mariadb://user:password@host:3306/name` or
 * `postgres://user:password@host:5432/name`.
 *
 * @throws Error if the scheme is another one, or the URL names no database. The message never holds the password.
 */
export function dataSourceOptionsOf(url: string): DataSourceOptions {
  const scheme = /^([a-z0-9+-]+):/i.exec(url)?.[1].toLowerCase();
  switch (scheme) {
    case 'sqlite':
      return sqliteOptions(url.slice('sqlite:'.length));
    case 'mysql':
    case 'mariadb':
      return mysqlOptions(scheme, url);
    case 'postgres':
    case 'postgresql':
      return postgresOptions(scheme, url);
    default:
      throw new Error(
        `Database URL: expected sqlite:path, mysql://…, mariadb://… or postgres://…, got ${scheme ? `${scheme}:…` : 'no scheme at all'}.`,
      );
  }
}

function sqliteOptions(path: string): DataSourceOptions {
  const database = path.replace(/^\/\/(?=.)/, '');
  if (!database) throw new Error('Database URL: expected a file after "sqlite:", got none.');
  return {
    type: 'better-sqlite3',
    driver: libsql,
    database,
    timeout: SQLITE_BUSY_TIMEOUT_MS,
    prepareDatabase: (connection: libsql.Database) => {
      // A committed outcome has to survive a power cut; WAL alone would lose the last ones.
      connection.pragma('journal_mode = WAL');
      connection.pragma('synchronous = FULL');
    },
  };
}

function mysqlOptions(type: 'mysql' | 'mariadb', url: string): DataSourceOptions {
  return {
    // With type `mysql` for a MariaDB, TypeORM would find changes in every nullable column.
    type,
    ...loginOf(type, 3306, url),
    // Without it, times are read back wrong in every zone but UTC.
    timezone: 'Z',
    charset: 'utf8mb4',
    connectTimeout: CONNECT_TIMEOUT_MS,
    extra: MYSQL_POOL,
  };
}

function postgresOptions(scheme: string, url: string): DataSourceOptions {
  return {
    type: 'postgres',
    ...loginOf(scheme, 5432, url),
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    extra: { ...POSTGRES_POOL, types: timesInUtc },
  };
}

interface ServerLogin {
  host: string;
  port: number;
  username: string;
  password: string;
  database: string;
}

/** The server, the database and the login of a URL. */
function loginOf(scheme: string, defaultPort: number, url: string): ServerLogin {
  const { hostname, port, username, password, pathname, search } = parse(scheme, defaultPort, url);
  const database = decodeURIComponent(pathname.slice(1));
  if (!database)
    throw new Error(`Database URL: expected ${scheme}://host:port/name, got no name of a database.`);
  // Refused, because "?ssl=true" would be ignored in silence.
  if (search) throw new Error(`Database URL: expected no parameters, got "${search}".`);
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port ? Number(port) : defaultPort,
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database,
  };
}

function parse(scheme: string, port: number, url: string): URL {
  try {
    return new URL(url);
  } catch {
    throw new Error(
      `Database URL: expected ${scheme}://user:password@host:${port}/name, got something that is no URL.`,
    );
  }
}
