import { afterAll, beforeAll, expect, it } from 'vitest';
import { mailboxKey } from '../../libs/mailing/src/model/addresses/email-address.js';
import { MailingReader } from '../../libs/mailing/src/store/queries/mailing.reader.js';
import { readSlots } from '../../libs/mailing/src/store/contents/read-slots.js';
import { claimAddresses } from '../../libs/mailing/src/store/recipients/claim-addresses.js';
import { TypeOrmSuppressionList } from '../../libs/mailing/src/store/host/type-orm-suppression.list.js';
import { forEachServer } from '../support/databases/for-each-database.js';
import { fillTable } from '../support/databases/fill-table.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { MeasuringDatabase } from '../support/databases/measuring-database.js';

/** Enough rows to distinguish a scan of a list or table from a read of single rows. */
const ROWS = 20_000;
const mailing = `dps_mailing (id, uniq_server_id, status, is_batched, batch_exec_id, subject, from_address,
  template_url, created_at)`;
/** Recipients of one commit. */
const ASKED = 50;
const PLACES = Array.from({ length: ASKED }, (_, n) => n * 397);
const TABLES = [
  'dps_mailing',
  'dps_mail_batch',
  'dps_email_address',
  'dps_user_mailing',
  'dps_mail_address_claim',
  'dps_mail_slot',
  'dps_mail_suppression',
];

forEachServer('index use of queries about recipients and mailings', (kind) => {
  let fresh: FreshDatabase;
  let database: MeasuringDatabase;

  beforeAll(async () => {
    fresh = await freshDatabase(kind);
    const fill = (into: string, rowOf: (n: number) => string): Promise<void> =>
      fillTable(fresh.dataSource, into, ROWS, rowOf);
    const now = 'CURRENT_TIMESTAMP';
    const key = (who: string, n: number): string => mailboxKey(`${who}${n}@home.example`);
    const recipient = '(mailing_id, idx, email_address, address_key, status, changed_at)';
    await fill(
      `dps_email_address ${recipient}`,
      (n) => `'plain', ${n}, 'x', '${key('reader', n)}', 'sent', ${now}`,
    );
    await fill(
      'dps_user_mailing (mailing_id, idx, user_id, status, changed_at)',
      (n) => `'long', ${n}, 'c${n}', 'sent', ${now}`,
    );
    for (const one of ['long', 'another']) {
      const taken = 'dps_mail_address_claim (mailing_id, idx, address_key)';
      await fill(taken, (n) => `'${one}', ${n}, '${key('reader', n)}'`);
      const slot = 'dps_mail_slot (mailing_id, user_id, slot, content)';
      await fill(slot, (n) => `'${one}', 'c${n}', 'promotion', '{"is":${n}}'`);
    }
    const suppression = 'dps_mail_suppression (address_key, address, reason, created_at)';
    await fill(suppression, (n) => `'${key('gone', n)}', 'x', 'complaint', ${now}`);
    const stateOf = (n: number): string => (n % 5_000 === 7 ? 'paused' : 'completed');
    await fill(
      mailing,
      (n) =>
        `'id-${String(n).padStart(6, '0')}', 'test:1', '${stateOf(n)}', ${n % 10 === 0}, 'Orders:paid:${n % 1_000}', 'x', 'x', 'x', ${now}`,
    );
    const tables = TABLES.join(', ');
    await fresh.dataSource.query(
      kind === 'postgres' ? `VACUUM ANALYZE ${tables}` : `ANALYZE TABLE ${tables}`,
    );
    database = new MeasuringDatabase(fresh.dataSource);
  });

  afterAll(() => fresh.dispose());

  /** @throws unless each table was read by an index, and no more rows than these. */
  const expectNoMoreThan = (most: number): void => {
    const seen = database.accesses.splice(0);
    expect(seen).not.toEqual([]);
    for (const { sql, table, index, rowsRead } of seen) {
      // PostgreSQL scans an empty table.
      const byIndex = index !== null || rowsRead === 0;
      const facts = { sql, table, byIndex, few: rowsRead <= most, rowsRead };
      expect(facts).toEqual({ sql, table, byIndex: true, few: true, rowsRead });
    }
  };

  it.each(['long', 'plain', 'new'])('claims of addresses, in a %s mailing', async (mailingId) => {
    const wanted = PLACES.map((n) => ({ idx: ROWS + n, key: mailboxKey(`reader${n}@home.example`) }));
    expect((await claimAddresses(database, mailingId, wanted)).size).toBe(ASKED);
    expectNoMoreThan(ASKED);
  });

  it('slot contents for the profiles of a commit', async () => {
    const found = await readSlots(database, 'long', ['', ...PLACES.map((n) => `c${n}`)]);
    expect(found).toHaveLength(ASKED);
    expectNoMoreThan(ASKED);
  });

  it('suppressed recipients of a commit', async () => {
    const list = new TypeOrmSuppressionList(database, mailboxKey);
    const addresses = PLACES.flatMap((n) => [`gone${n}@home.example`, `here${n}@home.example`]);
    expect((await list.findSuppressed(addresses)).size).toBe(ASKED);
    expectNoMoreThan(2 * ASKED);
  });

  it('the state of an execution', async () => {
    const reader = new MailingReader(database);
    expect(await reader.execution('Orders:paid:7')).toMatchObject({ numMailings: ROWS / 1_000 });
    expect(await reader.execution('Orders:paid:none')).toBeNull();
    expectNoMoreThan(ROWS / 1_000);
  });

  it('a page of mailings, from the newest and from the middle, by state and of all', async () => {
    const reader = new MailingReader(database);
    const middle = `id-${String(ROWS / 2).padStart(6, '0')}`;
    for (const beforeId of [null, middle]) {
      for (const status of [null, 'completed', 'paused', 'failed'] as const) {
        const page = await reader.list({ status, beforeId, limit: ASKED });
        const most = { completed: ASKED, paused: beforeId === null ? 4 : 2, failed: 0 };
        expect(page).toHaveLength(status === null ? ASKED : most[status]);
        expect(page.map(({ mailingId }) => mailingId)).toEqual(
          page
            .map(({ mailingId }) => mailingId)
            .toSorted()
            .reverse(),
        );
      }
    }
    // A tenth of the mailings is batched: with the primary key ten times as many rows are read past.
    expectNoMoreThan(11 * ASKED);
  });

  it('a page of recipients, of a mailing with and without batches, by state and of all', async () => {
    const { dataSource } = fresh;
    for (const [id, isBatched] of [
      ['long', false],
      ['plain', true],
    ]) {
      await dataSource.query(
        `INSERT INTO ${mailing} VALUES ('${id}', 'test:1', 'completed', ${isBatched}, NULL, 'x', 'x', 'x', CURRENT_TIMESTAMP)`,
      );
    }
    await dataSource.query("UPDATE dps_mailing SET batch_size = 10 WHERE id = 'plain'");
    const batch = `dps_mail_batch (mailing_id, start_idx, end_idx, status, not_before, num_profiles, low_water_idx, next_idx, high_water_idx)`;
    const rows = Array.from({ length: ROWS / 10 }, (_, n) => {
      const [start, end] = [10 * n, 10 * n + 10];
      return `'plain', ${start}, ${end}, 'complete', CURRENT_TIMESTAMP, 10, ${end}, ${end}, ${end}`;
    });
    await dataSource.query(`INSERT INTO ${batch} VALUES (${rows.join('), (')})`);
    await dataSource.query(
      kind === 'postgres' ? 'VACUUM ANALYZE dps_mail_batch' : 'ANALYZE TABLE dps_mail_batch',
    );
    const reader = new MailingReader(database);
    for (const mailingId of ['long', 'plain']) {
      for (const status of [null, 'sent'] as const) {
        const page = await reader.recipients(mailingId, { status, afterIdx: ROWS / 2, limit: ASKED });
        expect(page.map(({ idx }) => idx)).toEqual(PLACES.map((_, n) => ROWS / 2 + 1 + n));
      }
    }
    expectNoMoreThan(ASKED);
  });

  it('reasons of outcomes, reading the mailing’s own list once', async () => {
    const reasons = await new MailingReader(database).reasons('long');
    expect(reasons).toEqual([{ status: 'sent', code: null, count: ROWS }]);
    for (const { sql, table, rowsRead } of database.accesses.splice(0)) {
      expect({ sql, table, few: rowsRead <= ROWS }).toEqual({ sql, table, few: true });
    }
  });
});
