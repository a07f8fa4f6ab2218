import { stat } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canHaveMariaDb } from './maria-db.programs.js';
import { startMariaDb } from './maria-db.server.js';
import { canHaveMySql } from './my-sql.programs.js';
import { startMySql } from './my-sql.server.js';
import type { MysqldServer } from './mysqld.server.js';
import { connectToServer } from './server-connection.js';

const SERVERS = [
  { name: 'MariaDbServer', isMariaDb: 1, canHave: await canHaveMariaDb(), start: startMariaDb },
  { name: 'MySqlServer', isMariaDb: 0, canHave: await canHaveMySql(), start: startMySql },
].filter(({ canHave }) => canHave);

describe.each(SERVERS)('$name', ({ isMariaDb, start }) => {
  let server: MysqldServer;

  beforeEach(async () => {
    server = await start({ arguments: ['--default-time-zone=+05:00'] });
  });
  afterEach(() => server.stop());

  async function query(...statements: string[]): Promise<unknown> {
    const connection = await connectToServer(server.url);
    connection.on('error', () => {});
    try {
      let rows: unknown;
      for (const statement of statements) [rows] = await connection.query(statement);
      return rows;
    } finally {
      connection.destroy();
    }
  }

  it('is what its name says, with the durability that the promise needs, and the options it was given', async () => {
    const rows = await query(
      `SELECT VERSION() LIKE '%MariaDB%' AS isMariaDb, @@innodb_flush_log_at_trx_commit AS flush,
         @@sync_binlog >= @@log_bin AS isLogDurable, @@time_zone AS zone`,
    );

    expect(rows).toEqual([{ isMariaDb, flush: 1, isLogDurable: 1, zone: '+05:00' }]);
  });

  it('comes back after a kill, on the same URL and with what was committed', async () => {
    await query('CREATE DATABASE kept', 'CREATE TABLE kept.row (id INT)', 'INSERT INTO kept.row VALUES (7)');
    const { url, pid } = server;

    await server.kill();
    expect(server.pid).toBeUndefined();
    await expect(query('SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await server.start();

    expect(server.url).toBe(url);
    expect(server.pid).not.toBe(pid);
    expect(await query('SELECT id FROM kept.row')).toEqual([{ id: 7 }]);
  });

  it('leaves neither a process nor a file behind', async () => {
    const { pid, dataDirectory } = server;
    expect((await stat(dataDirectory)).isDirectory()).toBe(true);

    await server.stop();

    expect(() => process.kill(pid!, 0)).toThrow('ESRCH');
    await expect(stat(dataDirectory)).rejects.toThrow('ENOENT');
  });
});
