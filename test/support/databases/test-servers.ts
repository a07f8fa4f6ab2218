import type { ServerKind } from './database-kinds.js';
import { startMariaDb } from '../servers/maria-db.server.js';
import { startMySql } from '../servers/my-sql.server.js';
import { startPostgres } from '../servers/postgres.server.js';
import type { PrivateServer } from '../servers/private-server.js';
import { isMariaDb } from './server-connection.js';
import { SERVER_VARIABLES } from './test-database-url.js';

interface TestServer {
  start: () => Promise<PrivateServer>;
  /** What a given server must be. If MariaDB passed for MySQL, MySQL would go untested without notice, and the reverse. */
  isMariaDb?: boolean;
}

export const SERVERS: Record<ServerKind, TestServer> = {
  mariadb: { start: startMariaDb, isMariaDb: true },
  mysql: { start: startMySql, isMariaDb: false },
  postgres: { start: startPostgres },
};

/** Sets the variables to given servers, or to private ones. @returns a function that stops the private ones. */
export async function startTestServers(kinds: readonly ServerKind[]): Promise<() => Promise<void>> {
  await assertGivenServers(kinds);
  const missing = kinds.filter((kind) => !process.env[SERVER_VARIABLES[kind]]);
  const started = await Promise.allSettled(missing.map((kind) => SERVERS[kind].start()));
  const servers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
  };
  for (const [n, one] of started.entries()) {
    if (one.status === 'fulfilled') process.env[SERVER_VARIABLES[missing[n]]] = one.value.url;
    else {
      await stop();
      throw one.reason;
    }
  }
  return stop;
}

/** @throws Error if the server of a variable is another database. */
export async function assertGivenServers(kinds: readonly ServerKind[]): Promise<void> {
  for (const kind of kinds) if (process.env[SERVER_VARIABLES[kind]]) await assertKind(kind);
}

async function assertKind(kind: ServerKind): Promise<void> {
  const variable = SERVER_VARIABLES[kind];
  const { isMariaDb: expected } = SERVERS[kind];
  if (expected === undefined || (await isMariaDb(process.env[variable] as string)) === expected) return;
  const [is, other] = expected ? ['MySQL', 'MariaDB'] : ['MariaDB', 'MySQL'];
  throw new Error(`${variable}: expected the URL of a ${other}, got that of a ${is}, by its VERSION().`);
}
