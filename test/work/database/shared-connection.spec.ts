import { MailTemplate } from 'nestjs-mailing';
import type { DataSource, QueryRunner } from 'typeorm';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  beginOwnTransaction,
  withSharedConnection,
} from '../../../libs/mailing/src/store/connections/shared-connection.js';
import { onDatabase } from '../../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../../support/databases/fresh-database.js';

class CallerChangedItsMind extends Error {}

onDatabase('sqlite', 'the one connection of SQLite', () => {
  let fresh: FreshDatabase;
  let dataSource: DataSource;
  let runner: QueryRunner;

  beforeEach(async () => {
    fresh = await freshDatabase('sqlite');
    ({ dataSource } = fresh);
    runner = dataSource.createQueryRunner();
  });
  afterEach(() => fresh.dispose());

  const write = (hash: string): Promise<unknown> =>
    runner.query('INSERT INTO dps_mail_template (hash, content) VALUES (?, ?)', [hash, '{}']);
  const written = async (): Promise<string[]> =>
    (await dataSource.getRepository(MailTemplate).find()).map(({ hash }) => hash);
  const rolledBack = (): Promise<void> =>
    dataSource.transaction(async () => {
      await write('of the host');
      throw new CallerChangedItsMind();
    });

  it('lets the host begin no transaction within one of the plugin', async () => {
    let hosts: Promise<void> | undefined;
    await withSharedConnection(runner, async () => {
      await beginOwnTransaction(runner);
      hosts = rolledBack();
      hosts.catch(() => undefined);
      await write('of the plugin');
      await runner.commitTransaction();
    });
    await expect(hosts).rejects.toThrow(CallerChangedItsMind);
    expect(await written()).toEqual(['of the plugin']);
  });

  it('lets the plugin begin none within one of the host', async () => {
    const hosts = rolledBack();
    hosts.catch(() => undefined);
    // The host's transaction has begun, and its statements are still to come.
    await Promise.resolve();
    expect(runner.isTransactionActive).toBe(true);
    await withSharedConnection(runner, async () => {
      await beginOwnTransaction(runner);
      await write('of the plugin');
      await runner.commitTransaction();
    });
    await expect(hosts).rejects.toThrow(CallerChangedItsMind);
    expect(await written()).toEqual(['of the plugin']);
  });

  it('lets the host nest its own transactions, also after a failed job of the plugin', async () => {
    const failing = withSharedConnection(runner, () => Promise.reject(new CallerChangedItsMind()));
    await expect(failing).rejects.toThrow(CallerChangedItsMind);
    await dataSource.transaction(async (manager) => {
      await write('outer');
      await expect(
        manager.transaction(async () => {
          await write('inner');
          throw new CallerChangedItsMind();
        }),
      ).rejects.toThrow(CallerChangedItsMind);
    });
    expect(await written()).toEqual(['outer']);
  });
});
