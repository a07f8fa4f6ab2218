import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource, DataSourceOptions } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { MailingRig } from '../../support/hosts/mailing-rig.js';
import { TcpProxy } from '../../support/network/tcp-proxy.js';
import { connectToPostgres } from '../../support/databases/server-connection.js';
import { waitUntil } from '../../support/wait-until.js';

/** As the host would set them in its connection string. */
const withSetting = (setting: string): { dataSource: object } => ({
  dataSource: { extra: { options: `-c ${setting}` } },
});

const READY = Buffer.from('5a0000000549', 'hex');
/** The words of PostgreSQL when it shuts down (57P01). */
const FAREWELL = (() => {
  const fields = Buffer.from('SFATAL\0C57P01\0Mterminating connection due to administrator command\0\0');
  const head = Buffer.alloc(5, 'E');
  head.writeInt32BE(4 + fields.length, 1);
  return Buffer.concat([head, fields]);
})();

function retriesOf(app: MailingApp): { errors: string[] } {
  const seen = { errors: [] as string[] };
  app.events.on('run:commit-retried', ({ error }) => seen.errors.push(String(error)));
  return seen;
}

describe('a database that fails (postgres)', () => {
  const rig = MailingRig.forEachTest('postgres');
  const numSent = async (app: MailingApp, mailingId: string): Promise<number> =>
    (await app.query.get(mailingId))?.numSent ?? 0;
  const deadlocks = async (): Promise<number> => {
    const [row] = await rig.database.dataSource.query<{ deadlocks: string }[]>(
      'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
    );
    return Number(row.deadlocks);
  };

  it('D7 with deadlocks: the commit is repeated as a whole', async () => {
    // A session that has waited this long checks for a deadlock once, and ends it by failing.
    const app = await rig.boot({}, withSetting('deadlock_timeout=40ms'));
    const rival = await connectToPostgres(rig.database.url);
    await rival.query(`SET deadlock_timeout = '200ms'`);
    const mailingId = await rig.send(app, 120);
    const codes = new Set<string | undefined>(['40P01']);
    // Recipients first and the mailing after them: the opposite order of a commit.
    while ((await numSent(app, mailingId)) < 60) {
      await rival.query('BEGIN');
      await rival.query(
        `UPDATE dps_email_address SET attempts = attempts WHERE mailing_id = $1 AND status <> 'sent'`,
        [mailingId],
      );
      await rival
        .query('UPDATE dps_mailing SET name = NULL WHERE id = $1', [mailingId])
        .catch((error: { code?: string }) => codes.add(error.code));
      await rival.query('ROLLBACK');
    }
    await rival.end();
    expect([...codes]).toEqual(['40P01']);
    await waitUntil(async () => (await deadlocks()) > 0, { what: 'a deadlock to be counted' });
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 120);
  });

  it.each<['rows' | 'change' | 'insert', unknown]>([
    ['rows', [{ attempt: '3' }]],
    ['change', 1],
    ['insert', { numRows: 1, numWarnings: 0 }],
  ])('D7 with a serialization failure: %s of a single statement is repeated', async (how, expected) => {
    const { dataSource } = rig.database;
    await dataSource.query('CREATE SEQUENCE attempts');
    // A sequence keeps its value when a transaction is rolled back.
    await dataSource.query(`CREATE FUNCTION one_at_third() RETURNS bigint LANGUAGE plpgsql AS $$
        BEGIN
          IF nextval('attempts') < 3 THEN RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001'; END IF;
          RETURN currval('attempts');
        END $$`);
    try {
      const database = new MailingDatabase(dataSource);
      expect(await database[how]('SELECT one_at_third() AS attempt')).toEqual(expected);
      expect(await dataSource.query('SELECT last_value FROM attempts')).toEqual([{ last_value: '3' }]);
    } finally {
      await dataSource.query('DROP FUNCTION one_at_third');
      await dataSource.query('DROP SEQUENCE attempts');
    }
  });

  it('D7 with lock timeouts: the commit is repeated as a whole', async () => {
    const app = await rig.boot({}, withSetting('lock_timeout=50ms'));
    const { errors } = retriesOf(app);
    const mailingId = await rig.send(app, 120);
    await rig.inbox.waitFor(20);
    const rival = await connectToPostgres(rig.database.url);
    await rival.query('BEGIN');
    await rival.query('SELECT id FROM dps_mailing WHERE id = $1 FOR UPDATE', [mailingId]);
    const before = (await rig.progress(mailingId)).mailing.numSent;
    await waitUntil(() => errors.some((error) => /lock timeout/.test(error)), { what: 'a lock timeout' });
    expect((await rig.progress(mailingId)).mailing.numSent).toBe(before);
    await rival.query('ROLLBACK');
    await rival.end();
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 120);
  });

  it('D8 with lost connections: new ones are opened, and no recipient gets a second copy', async () => {
    const app = await rig.boot();
    const { errors } = retriesOf(app);
    const mailingId = await rig.send(app, 300);
    const killer = await connectToPostgres(rig.database.url);
    for (let moment = 40; moment <= 240; moment += 40) {
      await rig.inbox.waitFor(moment);
      await killer.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      );
    }
    await killer.end();
    await waitUntil(
      async () => (await rig.progress(mailingId).catch(() => null))?.mailing.status === 'completed',
      { what: 'the mailing to be completed', deadlineMs: 20_000 },
    );
    expect(errors.length).toBeGreaterThan(0);
    await rig.assertAllSent(mailingId, 300);
  });

  it('D8 with a shutdown message right behind the greeting: the process does not crash', async () => {
    await using proxy = await TcpProxy.start(rig.database.url);
    const dataSource = await rig.database.connect({ url: proxy.url } as Partial<DataSourceOptions>);
    const database = new MailingDatabase(dataSource);
    let farewells = 0;
    proxy.forge = (chunk) => {
      if (!chunk.includes(READY)) return chunk;
      farewells++;
      return Buffer.concat([chunk, FAREWELL]);
    };
    proxy.cut();
    const ask = (): Promise<unknown> => database.rows('SELECT 1 AS one');
    await waitUntil(
      () =>
        ask().then(
          () => false,
          () => farewells > 0,
        ),
      { what: 'a new connection' },
    );
    proxy.forge = null;
    await waitUntil(
      () =>
        ask().then(
          () => true,
          () => false,
        ),
      { what: 'the pool to close its dead connections' },
    );
    expect(await ask()).toEqual([{ one: 1 }]);
  });

  it.each([1, 2])('D9 with a pool of %d connections: the mailing completes', async (max) => {
    const app = await rig.boot({}, { dataSource: { extra: { max } } });
    const busy = app.nest.get<DataSource>(getDataSourceToken());
    const mailingId = await rig.send(app, 100);
    // The host itself uses all connections.
    await Promise.all(Array.from({ length: 12 }, () => busy.query('SELECT pg_sleep(0.05)')));
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 100);
  });
});
