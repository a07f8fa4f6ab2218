import libsql from 'libsql';
import type { DataSourceOptions } from 'typeorm';
import { timesInUtc } from './postgres-times.js';

/**
 * How long a statement waits for another process that writes to the same SQLite file. With a commit of some milliseconds
 * each, a few servers on one file are through long before.
 */
const SQLITE_BUSY_TIMEOUT_MS = 10_000;

/**
 * How the pools notice that a server is gone, and how long they keep a connection. What each setting helps against, and what
 * none of them does, is told in docs/failover.md.
 */
const CONNECT_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_DELAY_MS = 10_000;

const MYSQL_POOL = {
  // Less than the limit of connections, 10 by default, or mysql2 never looks at the idle timeout.
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
 * TypeORM's options for one database URL: `sqlite:path/to/file`, `mysql://user:password@host:3306/name`,
 * `mariadb://user:password@host:3306/name` or `postgres://user:password@host:5432/name`.
 *
 * @throws Error if the scheme is another one, or the URL names no database. The text never holds the password.
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
    // TypeORM finds changes in every nullable column when it takes a MariaDB for a MySQL.
    type,
    ...placeOf(type, 3306, url),
    // Times read back wrong in every zone but UTC without it.
    timezone: 'Z',
    charset: 'utf8mb4',
    connectTimeout: CONNECT_TIMEOUT_MS,
    extra: MYSQL_POOL,
  };
}

function postgresOptions(scheme: string, url: string): DataSourceOptions {
  return {
    type: 'postgres',
    ...placeOf(scheme, 5432, url),
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    extra: { ...POSTGRES_POOL, types: timesInUtc },
  };
}

interface Place {
  host: string;
  port: number;
  username: string;
  password: string;
  database: string;
}

/** Where on which server, and as whom. */
function placeOf(scheme: string, defaultPort: number, url: string): Place {
  const { hostname, port, username, password, pathname, search } = parse(scheme, defaultPort, url);
  const database = decodeURIComponent(pathname.slice(1));
  if (!database)
    throw new Error(`Database URL: expected ${scheme}://host:port/name, got no name of a database.`);
  // Dropped in silence, "?ssl=true" would be a promise that nobody keeps.
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
