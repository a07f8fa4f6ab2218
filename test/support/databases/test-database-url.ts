import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ServerKind } from './database-kinds.js';

/** Variables with URLs of servers for the tests. Their users must be allowed to create databases. */
export const SERVER_VARIABLES: Record<ServerKind, string> = {
  mariadb: 'MAILING_TEST_DATABASE_URL',
  mysql: 'MAILING_TEST_MYSQL_URL',
  postgres: 'MAILING_TEST_POSTGRES_URL',
};

/** The socket of the `ServerBroker`, for workers and their child processes. */
export const BROKER_SOCKET = 'MAILING_TEST_SERVER_BROKER';

export type BrokerAnswer = { url: string } | { error: string };

/** The URL of one database on a test server, or without a name that of the server. Starts the server if it does not run yet. */
export async function testDatabaseUrl(kind: ServerKind, name = ''): Promise<string> {
  const variable = SERVER_VARIABLES[kind];
  const url = new URL((process.env[variable] ??= await askBroker(kind)));
  url.pathname = `/${name}`;
  return url.href;
}

async function askBroker(kind: ServerKind): Promise<string> {
  const path = process.env[BROKER_SOCKET];
  if (!path) throw new Error(`${BROKER_SOCKET} is not set; it is, in tests that Vitest started.`);
  const socket = connect(path);
  socket.end(kind);
  const answer = JSON.parse(await text(socket)) as BrokerAnswer;
  if ('error' in answer) throw new Error(answer.error);
  return answer.url;
}
