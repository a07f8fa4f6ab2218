import { existsSync } from 'node:fs';
import type { RowDataPacket } from 'mysql2';
import { expect, it } from 'vitest';
import { Mailing } from '../../../libs/mailing/src/model/tables/mailing.entity.js';
import { forEachDatabase } from './for-each-database.js';
import type { DatabaseKind } from './database-kinds.js';
import { freshDatabase } from './fresh-database.js';
import { connectToPostgres, connectToServer } from './server-connection.js';
import { testDatabaseUrl } from './test-database-url.js';

forEachDatabase('freshDatabase', (kind) => {
  it('is empty, migrated, and not shared with others', async () => {
    await using ours = await freshDatabase(kind);
    await using others = await freshDatabase(kind);

    await ours.dataSource.query(
      `INSERT INTO dps_mailing (id, subject, from_address, template_url, status, created_at)
       VALUES ('1', 's', 'f', 't', 'pending', '2026-01-01')`,
    );

    expect(await ours.dataSource.getRepository(Mailing).count()).toBe(1);
    expect(await others.dataSource.getRepository(Mailing).count()).toBe(0);
  });

  it('takes more data sources, with their own options', async () => {
    await using database = await freshDatabase(kind, { prefix: 'app_' });

    const second = await database.connect({ maxQueryExecutionTime: 7 });

    expect(second.options.maxQueryExecutionTime).toBe(7);
    expect(await second.getRepository(Mailing).count()).toBe(0);
    expect(second.getMetadata(Mailing).tableName).toBe('app_dps_mailing');
  });

  it('has no tables without migrations', async () => {
    await using database = await freshDatabase(kind, { migrate: false });

    await expect(database.dataSource.getRepository(Mailing).count()).rejects.toThrow(/dps_mailing/);
  });

  it('is gone after it was disposed of', async () => {
    const database = await freshDatabase(kind);
    const second = await database.connect();

    await database.dispose();

    expect(database.dataSource.isInitialized).toBe(false);
    expect(second.isInitialized).toBe(false);
    // SQLite would create a new file, so check for the folder.
    const { url } = database;
    const name = kind === 'sqlite' ? url.slice('sqlite:'.length) : new URL(url).pathname.slice(1);
    expect(await EXISTS[kind](name)).toBe(false);
  });
});

const EXISTS: Record<DatabaseKind, (name: string) => boolean | Promise<boolean>> = {
  sqlite: existsSync,
  mariadb: async (name) => isOn(await testDatabaseUrl('mariadb'), name),
  mysql: async (name) => isOn(await testDatabaseUrl('mysql'), name),
  postgres: async (name) => {
    const connection = await connectToPostgres(await testDatabaseUrl('postgres'));
    const { rows } = await connection.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    await connection.end();
    return rows.length > 0;
  },
};

async function isOn(url: string, name: string): Promise<boolean> {
  const connection = await connectToServer(url);
  const [rows] = await connection.query<RowDataPacket[]>('SHOW DATABASES LIKE ?', [name]);
  await connection.end();
  return rows.length > 0;
}
