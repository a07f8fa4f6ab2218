import type pg from 'pg';
import {
  type DatabasePair,
  PAIR_DATABASE,
  PAIR_USER,
  type PairedServer,
  withTeardown,
} from './paired-servers.js';
import { type PostgresOptions, startPostgres } from './postgres.server.js';
import type { PrivateServer } from './private-server.js';
import { connectToPostgres } from '../databases/server-connection.js';
import { waitUntil } from '../wait-until.js';

/**
 * The second server is a standby, which is promoted. A running primary can not become a standby, so the first server gets
 * read-only transactions as its default.
 */
export function startPostgresPair(): Promise<DatabasePair> {
  return withTeardown(async (defer) => {
    const add = async (
      options: PostgresOptions,
    ): Promise<PairedServer & { serverUrl: string; kill: () => Promise<void> }> => {
      const server = await startPostgres(options);
      defer(() => server.stop());
      const admin = await connectToPostgres(server.url);
      // The connection breaks when its server is killed.
      admin.on('error', () => undefined);
      defer(() => admin.end());
      return { ...paired(server, admin), serverUrl: server.url, kill: () => server.kill() };
    };
    const first = await add({});
    await first.ask(`CREATE ROLE ${PAIR_USER} LOGIN`);
    await first.ask(`CREATE DATABASE ${PAIR_DATABASE} OWNER ${PAIR_USER}`);
    const second = await add({ standbyOf: first.serverUrl });
    const swap: DatabasePair['swap'] = (quietly) =>
      quietly(
        () => isQuiet(first),
        async () => {
          await first.ask('ALTER SYSTEM SET default_transaction_read_only = on');
          await first.ask('SELECT pg_reload_conf()');
          await waitUntil(() => isToldToAll(first.serverUrl), { what: 'all sessions to be read-only' });
          const [{ position }] = await first.ask('SELECT pg_current_wal_lsn() AS position');
          await waitUntil(() => isAt(second, String(position)), { what: 'the standby to catch up' });
          await second.ask('SELECT pg_promote(true, 30)');
        },
      );
    const hold = async (): Promise<void> => {
      await second.ask("ALTER SYSTEM SET primary_conninfo = ''");
      await second.ask('SELECT pg_reload_conf()');
      await waitUntil(() => receivesNothing(second), { what: 'the standby to receive nothing' });
    };
    const loseFirst = async (): Promise<void> => {
      await first.kill();
      await second.ask('SELECT pg_promote(true, 30)');
    };
    return { first, second, swap, hold, loseFirst };
  });
}

/** A transaction begun before the change could still write. */
async function isQuiet(server: PairedServer): Promise<boolean> {
  const [{ n }] = await server.ask(
    `SELECT COUNT(*) AS n FROM pg_stat_activity WHERE usename = '${PAIR_USER}' AND xact_start IS NOT NULL`,
  );
  return Number(n) === 0;
}

/** New sessions have the setting only once all others have got it. */
async function isToldToAll(url: string): Promise<boolean> {
  const newcomer = await connectToPostgres(url);
  const { rows } = await newcomer.query<{ default_transaction_read_only: string }>(
    'SHOW default_transaction_read_only',
  );
  await newcomer.end();
  return rows[0].default_transaction_read_only === 'on';
}

async function receivesNothing(standby: PairedServer): Promise<boolean> {
  const [{ n }] = await standby.ask('SELECT COUNT(*) AS n FROM pg_stat_wal_receiver');
  return Number(n) === 0;
}

async function isAt(standby: PairedServer, position: string): Promise<boolean> {
  const [{ is }] = await standby.ask(`SELECT pg_last_wal_replay_lsn() >= '${position}' AS is`);
  return is === true;
}

function paired({ url }: PrivateServer, admin: pg.Client): PairedServer {
  const ask = async (sql: string): Promise<Record<string, unknown>[]> => (await admin.query(sql)).rows;
  return {
    url: `${url.replace('postgres@', `${PAIR_USER}@`)}/${PAIR_DATABASE}`,
    ask,
    async sessions() {
      const sql = `SELECT pid FROM pg_stat_activity WHERE usename = '${PAIR_USER}' ORDER BY pid`;
      return (await ask(sql)).map(({ pid }) => String(pid));
    },
  };
}
