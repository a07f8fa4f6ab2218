import { MailingEvents } from 'nestjs-mailing';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { mailingDataSourceOptions } from '../../../ormconfig.js';
import { checkEnvironment } from '../../../libs/mailing/src/store/environment/environment.check.js';
import { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { noFaultPoints } from '../../../libs/mailing/src/model/ports/fault-points.js';
import { assertAllSentInBatches, sendBatched, TAKES_BATCHES } from '../../support/hosts/batched-mailing.js';
import { freshDatabase } from '../../support/databases/fresh-database.js';
import { MailingRig } from '../../support/hosts/mailing-rig.js';
import { type PgBouncerServer, startPgBouncer } from '../../support/servers/pg-bouncer.server.js';
import { connectToPostgres } from '../../support/databases/server-connection.js';
import { testDatabaseUrl } from '../../support/databases/test-database-url.js';

const POOL_SIZE = 4;
const LIMIT_MS = 7_000;

describe('pgbouncer in transaction mode', () => {
  const rig = MailingRig.forEachTest('postgres');
  let pooler: PgBouncerServer;

  beforeAll(async () => {
    pooler = await startPgBouncer({
      target: await testDatabaseUrl('postgres'),
      mode: 'transaction',
      poolSize: POOL_SIZE,
    });
  });

  afterAll(() => pooler.stop());

  /** The setting in every connection that the pooler has to the server, as other clients find it there. */
  async function settingsOfOthers(url: string): Promise<string[]> {
    const clients = await Promise.all(Array.from({ length: POOL_SIZE }, () => connectToPostgres(url)));
    const rows = [];
    for (const client of clients) {
      // So that the next one gets another connection.
      await client.query('BEGIN');
      const answer = await client.query<{ setting: string; pid: number }>(
        "SELECT current_setting('idle_in_transaction_session_timeout') AS setting, pg_backend_pid() AS pid",
      );
      rows.push(answer.rows[0]);
    }
    for (const client of clients) {
      await client.query('ROLLBACK');
      await client.end();
    }
    expect(new Set(rows.map(({ pid }) => pid)).size).toBe(POOL_SIZE);
    return rows.map(({ setting }) => setting);
  }

  it(
    'carries mailings in batches of two servers, and others keep their settings',
    { timeout: 60_000 },
    async () => {
      const databaseUrl = pooler.urlOf(rig.database.url);
      const emit = vi.spyOn(MailingEvents.prototype, 'emit');
      const first = await rig.boot(TAKES_BATCHES, { databaseUrl });
      await rig.boot({ ...TAKES_BATCHES, uniqServerId: 'test:2' }, { databaseUrl });
      const told = emit.mock.calls.filter(([name]) => name === 'database:risky-setting');
      emit.mockRestore();
      expect(told.map(([, facts]) => facts)).toMatchObject([
        { setting: 'pool_mode', value: 'transaction' },
        { setting: 'pool_mode', value: 'transaction' },
      ]);
      const batched = await sendBatched(first, 410);
      await rig.reached(batched, 'completed', 40_000);
      await assertAllSentInBatches(rig, batched, 410);
      expect(await settingsOfOthers(databaseUrl)).toEqual(Array<string>(POOL_SIZE).fill('0'));
    },
  );

  it('carries a mailing that is paused, resumed and canceled', { timeout: 60_000 }, async () => {
    const app = await rig.boot(
      { run: { ratePerSecond: 100 } },
      { databaseUrl: pooler.urlOf(rig.database.url) },
    );
    const mailingId = await rig.send(app, 200);
    await rig.inbox.waitFor(20);
    await app.sender.pause(mailingId);
    await rig.reached(mailingId, 'paused');
    await app.sender.resume(mailingId);
    await rig.reached(mailingId, 'completed', 40_000);
    await rig.assertAllSent(mailingId, 200);
  });

  it('has the limit of a silent transaction in that transaction, and nowhere else', async () => {
    const own = await new DataSource(mailingDataSourceOptions(pooler.urlOf(rig.database.url))).initialize();
    const database = new MailingDatabase(own, noFaultPoints, LIMIT_MS);
    const SETTING = "SELECT current_setting('idle_in_transaction_session_timeout') AS setting";
    const within = await database.transaction((session) => session.rows(SETTING));
    expect([within, await database.rows(SETTING)]).toEqual([[{ setting: '7s' }], [{ setting: '0' }]]);
    await expect(
      database.transaction(async (session) => {
        await session.rows('SELECT 1');
        throw new Error('as hosts fail');
      }),
    ).rejects.toThrow('as hosts fail');
    expect(await database.rows(SETTING)).toEqual([{ setting: '0' }]);
    await own.destroy();
  });
});

describe('what stands before PostgreSQL', () => {
  const NO_POOLER: object[] = [];

  async function seenAtStart(
    mode: 'session' | 'statement' | 'transaction' | null,
    max = 10,
  ): Promise<object[]> {
    await using fresh = await freshDatabase('postgres', { migrate: false });
    const pooler = mode && (await startPgBouncer({ target: await testDatabaseUrl('postgres'), mode }));
    const url = pooler ? pooler.urlOf(fresh.url) : fresh.url;
    const own = new DataSource({ ...mailingDataSourceOptions(url), extra: { max } } as never);
    try {
      await own.initialize();
      return await checkEnvironment(own);
    } finally {
      await own.destroy();
      await pooler?.stop();
    }
  }

  it('is nothing: nothing is said', async () => {
    expect(await seenAtStart(null)).toEqual(NO_POOLER);
  });

  it('is pgbouncer in session mode, where each client has a connection of its own: nothing is said', async () => {
    expect(await seenAtStart('session')).toEqual(NO_POOLER);
  });

  it('is pgbouncer in transaction mode: the start says that it is risky', async () => {
    expect(await seenAtStart('transaction')).toMatchObject([{ setting: 'pool_mode', value: 'transaction' }]);
  });

  it('is pgbouncer in transaction mode, and the pool has one connection: it can not be told, and the start goes on', async () => {
    expect(await seenAtStart('transaction', 1)).toEqual(NO_POOLER);
  });

  it('is pgbouncer in statement mode: the application does not start', async () => {
    await expect(seenAtStart('statement')).rejects.toMatchObject({
      code: 'MAILING_DATABASE_SETTING',
      setting: 'pool_mode',
      value: 'statement',
    });
  });
});
