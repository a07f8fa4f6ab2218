import type { RowDataPacket } from 'mysql2';
import { type Connection, createConnection } from 'mysql2/promise';
import pg from 'pg';

/** A plain connection to MySQL or MariaDB without TypeORM, for changes to a database from outside of the application. */
export function connectToServer(url: string): Promise<Connection> {
  const { hostname, port, username, password } = new URL(url);
  return createConnection({
    host: hostname,
    port: port ? Number(port) : 3306,
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
  });
}

/** Whether that server is MariaDB and not MySQL. Neither the scheme of a URL nor the type of a data source says so. */
export async function isMariaDb(url: string): Promise<boolean> {
  const connection = await connectToServer(url);
  try {
    const [[row]] = await connection.query<RowDataPacket[]>('SELECT VERSION() AS version');
    return String(row.version).includes('MariaDB');
  } finally {
    await connection.end();
  }
}

/** The same as `connectToServer` to a PostgreSQL; to its maintenance database if the URL names none. */
export async function connectToPostgres(url: string): Promise<pg.Client> {
  const place = new URL(url);
  if (place.pathname.length < 2) place.pathname = '/postgres';
  const client = new pg.Client({ connectionString: place.href });
  // A server that shuts down sends an error to every session, idle ones too.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
