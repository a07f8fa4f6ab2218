import libsql from 'libsql';
import type { DataSourceOptions } from 'typeorm';

/**
 * TypeORM's options for one database URL: `sqlite:path/to/file`, `mysql://user:password@host:3306/name` or
 * `mariadb://user:password@host:3306/name`.
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
      return serverOptions(scheme, url);
    default:
      throw new Error(
        `Database URL: expected sqlite:path, mysql://… or mariadb://…, got ${scheme ? `${scheme}:…` : 'no scheme at all'}.`,
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
    prepareDatabase: (connection: libsql.Database) => {
      // A committed outcome has to survive a power cut; WAL alone would lose the last ones.
      connection.pragma('journal_mode = WAL');
      connection.pragma('synchronous = FULL');
    },
  };
}

function serverOptions(type: 'mysql' | 'mariadb', url: string): DataSourceOptions {
  const { hostname, port, username, password, pathname, search } = parse(type, url);
  const database = decodeURIComponent(pathname.slice(1));
  if (!database)
    throw new Error(`Database URL: expected ${type}://host:port/name, got no name of a database.`);
  // Dropped in silence, "?ssl=true" would be a promise that nobody keeps.
  if (search) throw new Error(`Database URL: expected no parameters, got "${search}".`);
  return {
    // TypeORM finds changes in every nullable column when it takes a MariaDB for a MySQL.
    type,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port ? Number(port) : 3306,
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database,
    // Times read back wrong in every zone but UTC without it.
    timezone: 'Z',
    charset: 'utf8mb4',
  };
}

function parse(type: string, url: string): URL {
  try {
    return new URL(url);
  } catch {
    throw new Error(
      `Database URL: expected ${type}://user:password@host:port/name, got something that is no URL.`,
    );
  }
}
