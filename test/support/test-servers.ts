import { startMariaDb } from './maria-db.server.js';
import { startMySql } from './my-sql.server.js';
import { startPostgres } from './postgres.server.js';
import type { PrivateServer } from './private-server.js';
import { isMariaDb } from './server-connection.js';
import { TEST_DATABASE_URL, TEST_MYSQL_URL, TEST_POSTGRES_URL } from './test-database-url.js';

interface TestServer {
  variable: string;
  start: () => Promise<PrivateServer>;
  /** What a given server must be. A MySQL that is a MariaDB would leave MySQL untried without a word, and the reverse. */
  isMariaDb?: boolean;
}

const SERVERS = {
  mariadb: { variable: TEST_DATABASE_URL, start: startMariaDb, isMariaDb: true },
  mysql: { variable: TEST_MYSQL_URL, start: startMySql, isMariaDb: false },
  postgres: { variable: TEST_POSTGRES_URL, start: startPostgres },
} satisfies Record<string, TestServer>;

export type ServerKind = keyof typeof SERVERS;

/** Sees to it that the variables name servers: given ones, or private ones. @returns what ends the private ones. */
export async function startTestServers(kinds: readonly ServerKind[]): Promise<() => Promise<void>> {
  const wanted: TestServer[] = kinds.map((kind) => SERVERS[kind]);
  const missing = wanted.filter(({ variable }) => !process.env[variable]);
  for (const given of wanted) if (!missing.includes(given)) await assertKind(given);
  const started = await Promise.allSettled(missing.map(({ start }) => start()));
  const servers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
  };
  for (const [n, one] of started.entries()) {
    if (one.status === 'fulfilled') process.env[missing[n].variable] = one.value.url;
    else {
      await stop();
      throw one.reason;
    }
  }
  return stop;
}

async function assertKind({ variable, isMariaDb: expected }: TestServer): Promise<void> {
  if (expected === undefined || (await isMariaDb(process.env[variable] as string)) === expected) return;
  const [is, other] = expected ? ['MySQL', 'MariaDB'] : ['MariaDB', 'MySQL'];
  throw new Error(`${variable}: expected the URL of a ${other}, got that of a ${is}, by its VERSION().`);
}
