import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { DataSource, DataSourceOptions } from 'typeorm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { mailingEntities } from '../../libs/mailing/src/model/tables/mailing-entities.js';
import { EmailAddress } from '../../libs/mailing/src/model/tables/email-address.entity.js';
import { Mailing } from '../../libs/mailing/src/model/tables/mailing.entity.js';
import { UserMailing } from '../../libs/mailing/src/model/tables/user-mailing.entity.js';
import { mailingMigrations } from '../../libs/mailing/src/store/migrations/mailing-migrations.js';
import { MailingDatabase } from '../../libs/mailing/src/store/database/mailing.database.js';
import { TemplateEmailPersister } from '../../libs/mailing/src/store/intake/template-email.persister.js';
import { forEachDatabase, forEachInnoDb } from '../support/databases/for-each-database.js';
import {
  freshDatabase,
  type FreshDatabase,
  type FreshDatabaseOptions,
} from '../support/databases/fresh-database.js';
import { schemaOf } from '../support/databases/schema-dump.js';

const npm = promisify(execFile);
/** One process for each script, and one script for each migration. */
const SCRIPTS_DEADLINE_MS = 120_000;

forEachDatabase('migrations', (kind) => {
  let database: FreshDatabase | undefined;

  async function migrated(options?: FreshDatabaseOptions): Promise<DataSource> {
    database = await freshDatabase(kind, options);
    return database.dataSource;
  }

  afterEach(async () => {
    await database?.dispose();
    database = undefined;
    vi.unstubAllEnvs();
  });

  describe.each(['', 'app_'])('with entityPrefix "%s"', (prefix) => {
    it('D16 makes every table under the prefix, and no other', async () => {
      const dataSource = await migrated({ prefix });

      const expected = mailingEntities.map((entity) => dataSource.getMetadata(entity).tableName);
      expect(expected.every((name) => name.startsWith(`${prefix}dps_`))).toBe(true);
      expect([...(await schemaOf(dataSource)).keys()].sort()).toEqual([...expected, 'migrations'].sort());
    });

    it('D17 leaves nothing for a generated migration to change', async () => {
      const dataSource = await migrated({ prefix });

      expect(await pendingChanges(dataSource)).toEqual([]);
    });

    it('D17 leaves nothing for a host with synchronize to change', async () => {
      const dataSource = await migrated({ prefix });
      const before = await schemaOf(dataSource);
      expect(before.size).toBe(mailingEntities.length + 1);

      const host = await database!.connect({ synchronize: true });

      expect(await schemaOf(host)).toEqual(before);
    });

    it('runs once', async () => {
      const dataSource = await migrated({ prefix });

      expect(await dataSource.showMigrations()).toBe(false);
      expect(await dataSource.runMigrations()).toEqual([]);
    });

    it('reverts to an empty database, and runs again', async () => {
      const dataSource = await migrated({ prefix });
      const before = await schemaOf(dataSource);

      for (const _ of mailingMigrations) await dataSource.undoLastMigration();
      expect([...(await schemaOf(dataSource)).keys()]).toEqual(['migrations']);
      const types = "SELECT typname FROM pg_type WHERE typtype = 'e'";
      expect(kind === 'postgres' ? await dataSource.query(types) : []).toEqual([]);

      await dataSource.runMigrations();
      expect(await schemaOf(dataSource)).toEqual(before);
    });
  });

  // MySQL and MariaDB commit each statement of a migration by itself. The others roll a migration back, unless a host runs it without a transaction.
  it.each([
    ['after its first table', 1],
    ['before it was recorded', Number.POSITIVE_INFINITY],
  ])('D17 the next run completes a first migration that was cut off %s', async (_, numTables) => {
    await using clean = await freshDatabase(kind);
    const dataSource = await migrated({ migrate: false });
    await beginFirstMigration(dataSource, numTables);
    const before = await schemaOf(dataSource);
    expect(before.size).toBeGreaterThan(0);
    expect(before.size).toBeLessThan(mailingEntities.length);

    expect(await dataSource.runMigrations()).toHaveLength(mailingMigrations.length);

    expect(await schemaOf(dataSource)).toEqual(await schemaOf(clean.dataSource));
    expect(await pendingChanges(dataSource)).toEqual([]);
  });

  // SQLite keeps the names of indexes unique in a file, PostgreSQL in a schema.
  it('D16 two prefixes have their tables and indexes side by side', async () => {
    const shop = await migrated({ prefix: 'shop_' });
    const before = await schemaOf(shop);

    const blog = await database!.connect({ entityPrefix: 'blog_', migrationsTableName: 'blog_migrations' });
    await blog.runMigrations();

    const tables = await schemaOf(shop);
    for (const [name, table] of before) expect(tables.get(name)).toBe(table);
    expect(tables.size).toBe(2 * (mailingEntities.length + 1));
    expect(await pendingChanges(shop)).toEqual([]);
    expect(await pendingChanges(blog)).toEqual([]);
  });

  it('D11 keeps emoji and every script, also in a database whose default is latin1', async () => {
    const dataSource = await migrated({ charset: 'latin1' });
    const text = '📬 Grüße, Ünïcødé, здравствуйте, 你好, नमस्ते';

    const mailing = { ...smallestMailing(), subject: text, params: { text }, headers: { 'X-Text': text } };
    await dataSource.getRepository(Mailing).insert(mailing);
    await dataSource.getRepository(EmailAddress).insert({
      mailingId: mailing.id,
      idx: 0,
      emailAddress: 'someone@example.com',
      displayName: text,
      addressKey: 'a'.repeat(22),
      data: { name: text },
      status: 'pending',
      changedAt: new Date(),
    });

    const stored = await dataSource.getRepository(Mailing).findOneByOrFail({ id: mailing.id });
    expect(stored).toMatchObject({ subject: text, params: { text }, headers: { 'X-Text': text } });
    const recipient = await dataSource.getRepository(EmailAddress).findOneByOrFail({ mailingId: mailing.id });
    expect(recipient).toMatchObject({ displayName: text, data: { name: text } });
  });

  it('tells ids of profiles apart to the letter', async () => {
    const dataSource = await migrated({ charset: 'latin1' });
    const ids = ['aB', 'Ab', 'ab', 'äb', 'ab ', 'ab\u3000'];

    const rows = ids.map((userId, idx) => ({
      mailingId: 'm',
      idx,
      userId,
      changedAt: new Date(),
      status: 'pending' as const,
    }));
    await dataSource.getRepository(UserMailing).insert(rows);

    const found = await dataSource.getRepository(UserMailing).findBy({ userId: 'Ab' });
    expect(found.map(({ userId }) => userId)).toEqual(['Ab']);
  });

  it('D2 reads times back as they were written, to the millisecond, in whatever time zone', async () => {
    const dataSource = await migrated();
    // Half an hour that does not exist in Berlin.
    const scheduledAt = new Date('2026-03-29T01:30:00.123Z');
    const persister = new TemplateEmailPersister(new MailingDatabase(dataSource));
    const info = { templateUrl: 'hello.hbs', subject: 'Hello', from: 'news@example.com' };

    vi.stubEnv('TZ', 'Europe/Berlin');
    const terms = { idempotencyKey: null, sendAt: scheduledAt, doNotStartAfter: null, batchSize: null };
    const id = (await persister.createMailing(info, 'test:1', 'list', terms)) as string;
    vi.stubEnv('TZ', 'America/New_York');

    const stored = await dataSource.getRepository(Mailing).findOneByOrFail({ id });
    expect(stored.scheduledAt).toEqual(scheduledAt);
    expect(Math.abs(Number(stored.createdAt) - Date.now())).toBeLessThan(60_000);
  });

  it(
    'D17 the npm scripts run, show, generate and revert',
    async () => {
      database = await freshDatabase(kind, { migrate: false });
      const { url, dataSource } = database;
      const script = (name: string, ...words: string[]) =>
        npm('npm', ['run', '--silent', `migration:${name}`, '--', ...words], {
          env: { ...process.env, DATABASE_URL: url, MAILING_ENTITY_PREFIX: 'cli_' },
        });

      expect((await script('show')).stdout).toContain('[ ] CreateMailingTables1764547200000');
      await script('run');
      expect((await script('show')).stdout).toMatch(/\[X\] .*CreateMailingTables1764547200000/);
      expect([...(await schemaOf(dataSource)).keys()]).toContain('cli_dps_mailing');
      const generated = await script('generate', '--check', 'any-name');
      expect(generated.stdout).toContain('No changes in database schema were found');
      for (const _ of mailingMigrations) await script('revert');
      expect([...(await schemaOf(dataSource)).keys()]).toEqual(['migrations']);
    },
    SCRIPTS_DEADLINE_MS,
  );
});

const COLLATION_OF = { mariadb: 'utf8mb4_nopad_bin', mysql: 'utf8mb4_0900_bin' };

forEachInnoDb('migrations on a server', (kind) => {
  it('D11 makes all text of one collation that pads nothing, whatever the default of the database', async () => {
    await using database = await freshDatabase(kind, { charset: 'latin1', prefix: 'app_' });
    const collation = COLLATION_OF[kind];

    const tables = await database.dataSource.query<{ name: string; collation: string; engine: string }[]>(
      `SELECT TABLE_NAME AS name, TABLE_COLLATION AS collation, ENGINE AS engine
         FROM information_schema.TABLES
        WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'app\\_%'`,
    );
    expect(tables).toHaveLength(mailingEntities.length);
    for (const table of tables) expect(table).toEqual({ name: table.name, collation, engine: 'InnoDB' });
    // MariaDB's JSON is a text with a collation of its own; nothing is compared with it.
    const columns = await database.dataSource.query<{ collation: string }[]>(
      `SELECT DISTINCT COLLATION_NAME AS collation
         FROM information_schema.COLUMNS
        WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'app\\_%' AND COLLATION_NAME IS NOT NULL
          AND DATA_TYPE <> 'longtext'`,
    );
    expect(columns).toEqual([{ collation }]);
  });
});

describe('migrations on a PostgreSQL', () => {
  it('D16 honours the schema of the data source', async () => {
    await using database = await freshDatabase('postgres', { migrate: false });
    await database.dataSource.query('CREATE SCHEMA mail');
    const dataSource = await database.connect({ schema: 'mail' } as Partial<DataSourceOptions>);
    await dataSource.runMigrations();

    expect(await pendingChanges(dataSource)).toEqual([]);
    expect([...(await schemaOf(database.dataSource)).keys()]).toEqual([]);
    const store = new MailingDatabase(dataSource);
    expect(store.tables.mailing).toBe('"mail"."dps_mailing"');
    expect(await store.rows(`SELECT id FROM ${store.tables.mailing}`)).toEqual([]);
    for (const _ of mailingMigrations) await dataSource.undoLastMigration();
  });
});

class CutOff extends Error {}

/** Runs the first migration by hand, up to so many of its tables, without recording it. */
async function beginFirstMigration(dataSource: DataSource, numTables: number): Promise<void> {
  const runner = dataSource.createQueryRunner();
  const createTable = runner.createTable.bind(runner);
  let numMade = 0;
  runner.createTable = async (...table) => {
    if (numMade === numTables) throw new CutOff();
    numMade++;
    await createTable(...table);
  };
  try {
    await new mailingMigrations[0]().up(runner);
  } catch (error) {
    if (!(error instanceof CutOff)) throw error;
  } finally {
    // SQLite has one runner for all.
    runner.createTable = createTable;
    await runner.release();
  }
}

async function pendingChanges(dataSource: DataSource): Promise<string[]> {
  const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
  return upQueries.map(({ query }) => query);
}

function smallestMailing() {
  return {
    id: '019ab000-0000-7000-8000-000000000001',
    subject: 'Hello',
    from: 'news@example.com',
    templateUrl: 'hello.hbs',
    status: 'pending' as const,
    createdAt: new Date('2026-01-01T00:00:00.000Z'),
  };
}
