import { stat } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canHaveMariaDb } from './maria-db.programs.js';
import { startMariaDb } from './maria-db.server.js';
import { canHaveMySql } from './my-sql.programs.js';
import { startMySql } from './my-sql.server.js';
import { canHavePostgres } from './postgres.programs.js';
import { startPostgres } from './postgres.server.js';
import { connectToPostgres, connectToServer } from '../databases/server-connection.js';
import { ServerSession } from '../databases/server-session.js';
import { waitUntil } from '../wait-until.js';

const MYSQLD = {
  options: { arguments: ['--default-time-zone=+05:00'] },
  connect: async (url: string) => {
    const connection = await connectToServer(url);
    connection.on('error', () => {});
    return {
      query: async (statement: string) => (await connection.query(statement))[0],
      end: () => connection.destroy(),
    };
  },
};
const DURABLE = `SELECT VERSION() LIKE '%MariaDB%' AS isMariaDb, @@innodb_flush_log_at_trx_commit AS flush,
  @@sync_binlog >= @@log_bin AS isLogDurable, @@time_zone AS zone`;

const SERVERS = [
  {
    ...MYSQLD,
    name: 'MariaDbServer',
    canHave: await canHaveMariaDb(),
    start: () => startMariaDb(MYSQLD.options),
    isItself: [DURABLE, { isMariaDb: 1, flush: 1, isLogDurable: 1, zone: '+05:00' }],
  },
  {
    ...MYSQLD,
    name: 'MySqlServer',
    canHave: await canHaveMySql(),
    start: () => startMySql(MYSQLD.options),
    isItself: [DURABLE, { isMariaDb: 0, flush: 1, isLogDurable: 1, zone: '+05:00' }],
  },
  {
    name: 'PostgresServer',
    canHave: await canHavePostgres(),
    start: () => startPostgres({ settings: { TimeZone: 'Asia/Karachi' } }),
    connect: async (url: string) => {
      const connection = await connectToPostgres(url);
      return {
        query: async (statement: string) => (await connection.query(statement)).rows as unknown,
        end: () => connection.end(),
      };
    },
    isItself: [
      `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit,
         current_setting('TimeZone') AS zone`,
      { fsync: 'on', commit: 'on', zone: 'Asia/Karachi' },
    ],
  },
].filter(({ canHave }) => canHave);

describe.each(SERVERS)('$name', ({ start, connect, isItself }) => {
  let server: Awaited<ReturnType<typeof start>>;

  beforeEach(async () => {
    server = await start();
  });
  afterEach(() => server.stop());

  async function query(...statements: string[]): Promise<unknown> {
    const connection = await connect(server.url);
    try {
      let rows: unknown;
      for (const statement of statements) rows = await connection.query(statement);
      return rows;
    } finally {
      await connection.end();
    }
  }

  it('has the product of its name, full durability, and the given options', async () => {
    const [statement, facts] = isItself;

    expect(await query(statement as string)).toEqual([facts]);
  });

  it('comes back after a kill, on the same URL and with what was committed', async () => {
    await query('CREATE SCHEMA kept', 'CREATE TABLE kept.line (id INT)', 'INSERT INTO kept.line VALUES (7)');
    const { url, pid } = server;

    await server.kill();
    expect(server.pid).toBeUndefined();
    await expect(query('SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await server.start();

    expect(server.url).toBe(url);
    expect(server.pid).not.toBe(pid);
    expect(await query('SELECT id FROM kept.line')).toEqual([{ id: 7 }]);
  });

  it('answers nothing while it is frozen, not even on a session that was open before', async () => {
    const session = new ServerSession(server.url);
    await session.ask('SELECT 1');
    const newcomer = new ServerSession(server.url);

    await server.freeze();

    expect(await session.askWithin(300, 'SELECT 1')).toBeNull();
    expect(await newcomer.askWithin(300, 'SELECT 1')).toBeNull();
    server.thaw();
    expect(await session.ask('SELECT 7 AS id')).toEqual([{ id: 7 }]);
    session.hangUp();
    await server.freeze();
    await server.kill();
    await server.start();
    expect(await query('SELECT 7 AS id')).toEqual([{ id: 7 }]);
  });

  it.each(['at work', 'frozen'])(
    'leaves neither a process nor a file behind, %s and with a client connected',
    async (state) => {
      const { pid, dataDirectory } = server;
      expect((await stat(dataDirectory)).isDirectory()).toBe(true);
      const client = await connect(server.url);
      if (state === 'frozen') await server.freeze();

      await server.stop();

      expect(() => process.kill(pid!, 0)).toThrow('ESRCH');
      await expect(stat(dataDirectory)).rejects.toThrow('ENOENT');
      await expect(client.query('SELECT 1')).rejects.toThrow();
      await client.end();
    },
  );
});

/** A session that waits would notice by itself that its server is gone; one that computes does not. */
const ENDLESS_WORK = 'DO $$ BEGIN LOOP END LOOP; END $$';

describe.runIf(await canHavePostgres())('PostgresServer', () => {
  it.each(['after it was frozen', 'at once'])(
    'ends its session processes when it is killed, %s',
    async (when) => {
      const server = await startPostgres();
      try {
        const session = new ServerSession(server.url);
        const [{ pid }] = await session.ask('SELECT pg_backend_pid() AS pid');
        const asked = session.ask(ENDLESS_WORK).catch(() => null);
        await waitUntil(() => isAtWork(server.url), { what: 'the session to be at work' });

        if (when === 'after it was frozen') await server.freeze();
        await server.kill();

        expect(await asked).toBeNull();
        await waitUntil(() => isGone(Number(pid)), { what: `process ${String(pid)} to be gone` });
      } finally {
        await server.stop();
      }
    },
  );
});

async function isAtWork(url: string): Promise<boolean> {
  const observer = new ServerSession(url);
  const rows = await observer.ask(
    "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO %'",
  );
  observer.hangUp();
  return rows.length > 0;
}

function isGone(pid: number): boolean {
  try {
    return !process.kill(pid, 0);
  } catch {
    return true;
  }
}
