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

  /** The setting in every connection of the pooler, as other clients find it there. */
  async function settingsOfOthers(url: string): Promise<string[]> {
    const clients = await Promise.all(Array.from({ length: POOL_SIZE }, () => connectToPostgres(url)));
    const rows = [];
    for (const client of clients) {
      // Holds this connection, so that the next query gets another one.
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
    'sends mailings in batches on two servers, and leaves the settings of other clients alone',
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

  it('sends a mailing that is paused, resumed and canceled', { timeout: 60_000 }, async () => {
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

  it('has the limit of idle transactions within each transaction only', async () => {
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

describe('the start behind a pooler', () => {
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

  it('reports nothing without a pooler', async () => {
    expect(await seenAtStart(null)).toEqual(NO_POOLER);
  });

  it('reports nothing for pgbouncer in session mode, where each client has a connection of its own', async () => {
    expect(await seenAtStart('session')).toEqual(NO_POOLER);
  });

  it('reports a risk for pgbouncer in transaction mode', async () => {
    expect(await seenAtStart('transaction')).toMatchObject([{ setting: 'pool_mode', value: 'transaction' }]);
  });

  it('reports nothing for pgbouncer in transaction mode with a pool of one connection, where the mode can not be found out', async () => {
    expect(await seenAtStart('transaction', 1)).toEqual(NO_POOLER);
  });

  it('refuses pgbouncer in statement mode', async () => {
    await expect(seenAtStart('statement')).rejects.toMatchObject({
      code: 'MAILING_DATABASE_SETTING',
      setting: 'pool_mode',
      value: 'statement',
    });
  });
});
