import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ServerSession } from './server-session.js';
import { testDatabaseUrl } from './test-database-url.js';

const SERVERS = [
  {
    name: 'MariaDB',
    kind: 'mariadb',
    self: 'CONNECTION_ID()',
    end: 'KILL',
    sleep: 'SLEEP',
    at: 'DATABASE()',
  },
  {
    name: 'MySQL',
    kind: 'mysql',
    self: 'CONNECTION_ID()',
    end: 'KILL',
    sleep: 'SLEEP',
    at: 'DATABASE()',
  },
  {
    name: 'PostgreSQL',
    kind: 'postgres',
    self: 'pg_backend_pid()',
    end: 'SELECT pg_terminate_backend',
    sleep: 'pg_sleep',
    at: 'current_database()',
  },
] as const;

describe.each(SERVERS)('ServerSession of $name', ({ kind, self, end, sleep, at }) => {
  let session: ServerSession;
  let other: ServerSession;

  beforeEach(async () => {
    const url = await testDatabaseUrl(kind);
    session = new ServerSession(url);
    other = new ServerSession(url);
  });
  afterEach(() => {
    session.hangUp();
    other.hangUp();
  });

  const idOf = async (one: ServerSession): Promise<unknown> => (await one.ask(`SELECT ${self} AS id`))[0].id;

  it('keeps its connection from one statement to the next', async () => {
    expect(await idOf(session)).toBe(await idOf(session));
  });

  it('reconnects with the next statement after one that found the connection broken', async () => {
    const id = await idOf(session);
    await other.ask(`${end} (${String(id)})`);

    const next = await idOf(session).catch(() => idOf(session));

    expect(next).not.toBe(id);
  });

  it('rejects the statement under way when the connection breaks or is closed', async () => {
    const id = await idOf(session);
    const asked = session.ask(`SELECT ${sleep}(600)`).catch((error: unknown) => error);
    await other.ask(`${end} (${String(id)})`);
    expect(await asked).toBeInstanceOf(Error);

    await idOf(session);
    const askedAgain = session.ask(`SELECT ${sleep}(600)`);
    session.hangUp();
    await expect(askedAgain).rejects.toThrow('gone');
  });

  it('rejects with the error of the statement', async () => {
    await expect(session.ask('SELECT nonsense')).rejects.toThrow('nonsense');

    expect(await session.askWithin(5_000, 'SELECT nonsense')).toBeNull();
    expect(await session.ask('SELECT 1 AS id')).toEqual([{ id: 1 }]);
  });

  it('returns null at its deadline, and answers the next statement at once', async () => {
    const asked = performance.now();

    expect(await session.askWithin(100, `SELECT ${sleep}(20)`)).toBeNull();
    expect(await session.ask('SELECT 1 AS id')).toEqual([{ id: 1 }]);

    expect(performance.now() - asked).toBeLessThan(10_000);
  });

  it('uses the database that its URL names', async () => {
    const name = `session_${process.pid}`;
    await other.ask(`CREATE DATABASE ${name}`);
    session = new ServerSession(await testDatabaseUrl(kind, name));
    try {
      expect(await session.ask(`SELECT ${at} AS name`)).toEqual([{ name }]);
    } finally {
      session.hangUp();
      await other.ask(`DROP DATABASE ${name}`);
    }
  });
});
