import { type Connection, createConnection } from 'mysql2/promise';

/** A plain connection to a server, past TypeORM, for what is done to databases from outside. */
export function connectToServer(url: string): Promise<Connection> {
  const { hostname, port, username, password } = new URL(url);
  return createConnection({
    host: hostname,
    port: port ? Number(port) : 3306,
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
  });
}
