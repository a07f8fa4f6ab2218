import { stat } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canHaveMySql } from './my-sql.programs.js';
import { type MySqlServer, startMySql } from './my-sql.server.js';
import { connectToServer } from './server-connection.js';

describe.skipIf(!(await canHaveMySql()))('MySqlServer', () => {
  let server: MySqlServer;

  beforeEach(async () => {
    server = await startMySql({ arguments: ['--default-time-zone=+05:00'] });
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

  it('is MySQL, with the durability that the promise needs, and the options it was given', async () => {
    const rows = await query(
      `SELECT VERSION() LIKE '%MariaDB%' AS isMariaDb, @@innodb_flush_log_at_trx_commit AS flush, @@sync_binlog AS sync,
         @@time_zone AS zone`,
    );

    expect(rows).toEqual([{ isMariaDb: 0, flush: 1, sync: 1, zone: '+05:00' }]);
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
