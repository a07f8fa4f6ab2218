import { resolve } from 'node:path';
import type { DataSource } from 'typeorm';

/** What the options of all kinds of data source say about the database, as far as they have it. */
interface Connection {
  type: string;
  url?: string;
  host?: string;
  port?: number;
  socketPath?: string;
  database?: unknown;
  schema?: string;
  entityPrefix?: string;
  replication?: { master?: Omit<Connection, 'replication'> };
}

/** Everything between the login and the query: host, port and database. */
const URL_WITHOUT_SECRETS = /^\w+:\/\/(?:[^@/]*@)?([^?]*)/;

/**
 * Names the tables of a data source: the same text in each process that uses them, and another one for other tables. It has no password in it, and
 * stays the same when the password changes.
 *
 * @param env what `pg` reads where the options say nothing.
 * @returns null: the database is in memory, and ends with its process.
 */
export function identityOf({ options }: Pick<DataSource, 'options'>, env = process.env): string | null {
  const { replication, ...direct } = options as unknown as Connection;
  const { type, url, host, port, socketPath, database, schema } = { ...direct, ...replication?.master };
  const { entityPrefix } = direct;
  if (type === 'better-sqlite3')
    return isInMemory(database) ? null : JSON.stringify(['sqlite', resolve(String(database)), entityPrefix]);
  const [, place] = URL_WITHOUT_SECRETS.exec(url ?? '') ?? [];
  const byEnv = type === 'postgres' && !place ? [env.PGHOST, env.PGPORT, env.PGDATABASE] : [];
  return JSON.stringify([type, place, host, port, socketPath, database, schema, entityPrefix, ...byEnv]);
}

/** SQLite's own words: an empty name is a temporary database. */
function isInMemory(database: unknown): boolean {
  return typeof database !== 'string' || database === '' || database.includes(':memory:');
}
