import { describe, expect, it } from 'vitest';
import { dataSourceOptionsOf } from '../../src/database/data-source.options.js';
import { INNODB_KINDS } from '../support/databases/database-kinds.js';
import { freshDatabase } from '../support/databases/fresh-database.js';

describe('dataSourceOptionsOf', () => {
  it.each([
    ['sqlite:mailing.sqlite', 'mailing.sqlite'],
    ['sqlite:/var/lib/app/mailing.sqlite', '/var/lib/app/mailing.sqlite'],
    ['sqlite:///var/lib/app/mailing.sqlite', '/var/lib/app/mailing.sqlite'],
    ['sqlite::memory:', ':memory:'],
  ])('reads %s', (url, database) => {
    expect(dataSourceOptionsOf(url)).toMatchObject({ type: 'better-sqlite3', database });
  });

  it.each(['mysql', 'mariadb'] as const)('decodes %s URLs', (type) => {
    expect(dataSourceOptionsOf(`${type}://us%40er:p%2Fw@db.example:3307/mail`)).toEqual({
      type,
      host: 'db.example',
      port: 3307,
      username: 'us@er',
      password: 'p/w',
      database: 'mail',
      timezone: 'Z',
      charset: 'utf8mb4',
      connectTimeout: 10_000,
      extra: { maxIdle: 9, idleTimeout: 60_000, enableKeepAlive: true, keepAliveInitialDelay: 10_000 },
    });
    expect(dataSourceOptionsOf(`${type}://root@[::1]/mail`)).toMatchObject({ host: '::1', port: 3306 });
  });

  it.each(['postgres', 'postgresql'])('decodes %s URLs', (scheme) => {
    expect(dataSourceOptionsOf(`${scheme}://us%40er:p%2Fw@db.example:5433/mail`)).toMatchObject({
      type: 'postgres',
      host: 'db.example',
      port: 5433,
      username: 'us@er',
      password: 'p/w',
      database: 'mail',
      connectTimeoutMS: 10_000,
      extra: {
        idleTimeoutMillis: 10_000,
        maxLifetimeSeconds: 1_800,
        keepAlive: true,
        keepAliveInitialDelayMillis: 10_000,
      },
    });
    expect(dataSourceOptionsOf(`${scheme}://root@[::1]/mail`)).toMatchObject({ host: '::1', port: 5432 });
  });

  it.each([
    [
      'oracle://user:secret@host/name',
      'expected sqlite:path, mysql://…, mariadb://… or postgres://…, got oracle:',
    ],
    ['mailing.sqlite', 'got no scheme at all'],
    ['sqlite:', 'expected a file after "sqlite:"'],
    ['mariadb://user:secret@host', 'got no name of a database'],
    ['postgres://user:secret@host/', 'expected postgres://host:port/name, got no name of a database'],
    ['mysql://user:secret@host/name?ssl=true', 'expected no parameters, got "?ssl=true"'],
    ['mysql://user:secret@:bad/name', 'got something that is no URL'],
  ])('refuses %s in one sentence without the password', (url, sentence) => {
    expect(() => dataSourceOptionsOf(url)).toThrow(sentence);
    expect(() => dataSourceOptionsOf(url)).not.toThrow('secret');
  });

  it.each(INNODB_KINDS)(
    'gives the pool of %s a limit of idle connections in the option of its driver',
    async (kind) => {
      await using database = await freshDatabase(kind, { migrate: false });
      const { pool } = database.dataSource.driver as unknown as { pool: { config: Record<string, number> } };

      expect(pool.config).toMatchObject({ connectionLimit: 10, maxIdle: 9, idleTimeout: 60_000 });
      expect(pool.config.connectionConfig).toMatchObject({
        connectTimeout: 10_000,
        enableKeepAlive: true,
        keepAliveInitialDelay: 10_000,
      });
    },
  );

  it('gives the pool of postgres limits in options of its driver', async () => {
    await using database = await freshDatabase('postgres', { migrate: false });
    const { master } = database.dataSource.driver as unknown as { master: { options: object } };

    expect(master.options).toMatchObject({ connectionTimeoutMillis: 10_000, maxLifetimeSeconds: 1_800 });
  });

  it('makes several processes on one SQLite file wait for each other', async () => {
    await using database = await freshDatabase('sqlite', { migrate: false });

    expect(await database.dataSource.query('PRAGMA busy_timeout')).toEqual([{ timeout: 10_000 }]);
  });

  it('makes commits of SQLite survive a power failure', async () => {
    await using database = await freshDatabase('sqlite', { migrate: false });

    expect(await database.dataSource.query('PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }]);
    expect(await database.dataSource.query('PRAGMA synchronous')).toEqual([{ synchronous: 2 }]);
  });
});
