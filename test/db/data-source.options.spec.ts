import { describe, expect, it } from 'vitest';
import { dataSourceOptionsOf } from '../../src/database/data-source.options.js';
import { freshDatabase } from '../support/fresh-database.js';

describe('dataSourceOptionsOf', () => {
  it.each([
    ['sqlite:mailing.sqlite', 'mailing.sqlite'],
    ['sqlite:/var/lib/app/mailing.sqlite', '/var/lib/app/mailing.sqlite'],
    ['sqlite:///var/lib/app/mailing.sqlite', '/var/lib/app/mailing.sqlite'],
    ['sqlite::memory:', ':memory:'],
  ])('reads %s', (url, database) => {
    expect(dataSourceOptionsOf(url)).toMatchObject({ type: 'better-sqlite3', database });
  });

  it.each(['mysql', 'mariadb'] as const)('reads %s URLs, with what is encoded in them', (type) => {
    expect(dataSourceOptionsOf(`${type}://us%40er:p%2Fw@db.example:3307/mail`)).toEqual({
      type,
      host: 'db.example',
      port: 3307,
      username: 'us@er',
      password: 'p/w',
      database: 'mail',
      timezone: 'Z',
      charset: 'utf8mb4',
    });
    expect(dataSourceOptionsOf(`${type}://root@[::1]/mail`)).toMatchObject({ host: '::1', port: 3306 });
  });

  it.each(['postgres', 'postgresql'])('reads %s URLs, with what is encoded in them', (scheme) => {
    expect(dataSourceOptionsOf(`${scheme}://us%40er:p%2Fw@db.example:5433/mail`)).toMatchObject({
      type: 'postgres',
      host: 'db.example',
      port: 5433,
      username: 'us@er',
      password: 'p/w',
      database: 'mail',
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

  it('makes several processes on one SQLite file wait for each other', async () => {
    await using database = await freshDatabase('sqlite', { migrate: false });

    expect(await database.dataSource.query('PRAGMA busy_timeout')).toEqual([{ timeout: 10_000 }]);
  });

  it('makes SQLite keep its commits over a power cut', async () => {
    await using database = await freshDatabase('sqlite', { migrate: false });

    expect(await database.dataSource.query('PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }]);
    expect(await database.dataSource.query('PRAGMA synchronous')).toEqual([{ synchronous: 2 }]);
  });
});
