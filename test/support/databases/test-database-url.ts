import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ServerKind } from './database-kinds.js';

/** Variables that name servers for the tests, whose users must be allowed to create databases. */
export const SERVER_VARIABLES: Record<ServerKind, string> = {
  mariadb: 'MAILING_TEST_DATABASE_URL',
  mysql: 'MAILING_TEST_MYSQL_URL',
  postgres: 'MAILING_TEST_POSTGRES_URL',
};

/** Names the socket of the `ServerBroker`, to workers and to what they start. */
export const BROKER_SOCKET = 'MAILING_TEST_SERVER_BROKER';

export type BrokerAnswer = { url: string } | { error: string };

/** The URL of one database on a server of the tests, or without a name the URL of the server itself, which is started where it has not been. */
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
