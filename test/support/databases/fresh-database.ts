import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { mailingDataSourceOptions } from '../../../ormconfig.js';
import type { DatabaseKind, ServerKind } from './database-kinds.js';
import { connectToPostgres, connectToServer } from './server-connection.js';
import { testDatabaseUrl } from './test-database-url.js';

export interface FreshDatabaseOptions {
  /** TypeORM's `entityPrefix`. */
  prefix?: string;
  /** Whether the mailing tables are there; default true. */
  migrate?: boolean;
  /** Default character set of the database; only MariaDB and MySQL have one beside that of their tables. */
  charset?: string;
  /** Over the options of every data source that is made here, for example `extra: { connectionLimit: 1 }`. */
  dataSource?: Partial<DataSourceOptions>;
}

/** A database for one test alone, with one data source connected to it. */
export interface FreshDatabase extends AsyncDisposable {
  readonly kind: DatabaseKind;
  /** As `DATABASE_URL` of a child process. */
  readonly url: string;
  readonly dataSource: DataSource;
  /** One more data source on the same database, as another server of the host would have. */
  connect(options?: Partial<DataSourceOptions>): Promise<DataSource>;
  /** Disconnects everything and drops the database. */
  dispose(): Promise<void>;
}

/** Makes an empty database, connects, and runs the migrations. Dispose of it at the end of the test. */
export async function freshDatabase(
  kind: DatabaseKind,
  options: FreshDatabaseOptions = {},
): Promise<FreshDatabase> {
  const { url, drop } = await PLACES[kind](options.charset);
  const connected: DataSource[] = [];

  const connect = async (more: Partial<DataSourceOptions> = {}): Promise<DataSource> => {
    const dataSource = new DataSource({
      ...mailingDataSourceOptions(url, options.prefix),
      ...options.dataSource,
      ...more,
    } as DataSourceOptions);
    await dataSource.initialize();
    connected.push(dataSource);
    return dataSource;
  };
  const dispose = async (): Promise<void> => {
    const open = connected.splice(0).filter((dataSource) => dataSource.isInitialized);
    await Promise.all(open.map((dataSource) => dataSource.destroy()));
    await drop();
  };

  try {
    const dataSource = await connect();
    if (options.migrate ?? true) await dataSource.runMigrations();
    return { kind, url, dataSource, connect, dispose, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

interface Place {
  url: string;
  drop: () => Promise<void>;
}

async function createFile(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'mailing-sqlite-'));
  return {
    url: `sqlite:${join(directory, 'mailing.sqlite')}`,
    drop: () => rm(directory, { recursive: true, force: true }),
  };
}

async function createDatabase(kind: ServerKind, charset?: string): Promise<Place> {
  const name = newName();
  const server = await testDatabaseUrl(kind);
  await onServer(server, `CREATE DATABASE ${name}${charset ? ` CHARACTER SET ${charset}` : ''}`);
  return {
    url: await testDatabaseUrl(kind, name),
    drop: () => onServer(server, `DROP DATABASE IF EXISTS ${name}`),
  };
}

async function createPostgresDatabase(): Promise<Place> {
  const name = newName();
  await onPostgres(`CREATE DATABASE ${name}`);
  // With force, because the sessions of a killed process outlive it by a moment.
  return {
    url: await testDatabaseUrl('postgres', name),
    drop: () => onPostgres(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

const PLACES: Record<DatabaseKind, (charset?: string) => Promise<Place>> = {
  sqlite: createFile,
  mariadb: (charset) => createDatabase('mariadb', charset),
  mysql: (charset) => createDatabase('mysql', charset),
  postgres: createPostgresDatabase,
};

function newName(): string {
  return `mailing_test_${randomBytes(6).toString('hex')}`;
}

async function onServer(url: string, statement: string): Promise<void> {
  const connection = await connectToServer(url);
  try {
    // A test that left a transaction open must fail here instead of hanging.
    await connection.query('SET SESSION lock_wait_timeout = 10');
    await connection.query(statement);
  } finally {
    connection.destroy();
  }
}

async function onPostgres(statement: string): Promise<void> {
  const connection = await connectToPostgres(await testDatabaseUrl('postgres'));
  try {
    await connection.query(statement);
  } finally {
    await connection.end();
  }
}
