import { startMariaDb } from './maria-db.server.js';
import { startPostgres } from './postgres.server.js';
import { TEST_DATABASE_URL, TEST_POSTGRES_URL } from './test-database-url.js';

const SERVERS = {
  mariadb: { variable: TEST_DATABASE_URL, start: startMariaDb },
  postgres: { variable: TEST_POSTGRES_URL, start: startPostgres },
};

export type ServerKind = keyof typeof SERVERS;

/** Sees to it that the variables name servers: given ones, or private ones. @returns what ends the private ones. */
export async function startTestServers(kinds: readonly ServerKind[]): Promise<() => Promise<void>> {
  const missing = kinds.map((kind) => SERVERS[kind]).filter(({ variable }) => !process.env[variable]);
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
