import { stat } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canHavePostgres } from './postgres.programs.js';
import { type PostgresServer, startPostgres } from './postgres.server.js';
import { connectToPostgres } from './server-connection.js';

describe.skipIf(!(await canHavePostgres()))('PostgresServer', () => {
  let server: PostgresServer;

  beforeEach(async () => {
    server = await startPostgres({ settings: { TimeZone: 'Asia/Karachi' } });
  });
  afterEach(() => server.stop());

  async function query(...statements: string[]): Promise<unknown> {
    const connection = await connectToPostgres(server.url);
    try {
      let rows: unknown;
      for (const statement of statements) ({ rows } = await connection.query(statement));
      return rows;
    } finally {
      await connection.end();
    }
  }

  it('has the durability that the promise needs, and the settings it was given', async () => {
    const rows = await query(
      `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit,
         current_setting('TimeZone') AS zone`,
    );

    expect(rows).toEqual([{ fsync: 'on', commit: 'on', zone: 'Asia/Karachi' }]);
  });

  it('comes back after a kill, on the same URL and with what was committed', async () => {
    await query('CREATE TABLE kept (id INT)', 'INSERT INTO kept VALUES (7)');
    const { url, pid } = server;

    await server.kill();
    expect(server.pid).toBeUndefined();
    await expect(query('SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await server.start();

    expect(server.url).toBe(url);
    expect(server.pid).not.toBe(pid);
    expect(await query('SELECT id FROM kept')).toEqual([{ id: 7 }]);
  });

  it('leaves neither a process nor a file behind, also with a client that stays', async () => {
    const { pid, dataDirectory } = server;
    expect((await stat(dataDirectory)).isDirectory()).toBe(true);
    const client = await connectToPostgres(server.url);

    await server.stop();

    expect(() => process.kill(pid!, 0)).toThrow('ESRCH');
    await expect(stat(dataDirectory)).rejects.toThrow('ENOENT');
    await expect(client.query('SELECT 1')).rejects.toThrow();
  });
});
