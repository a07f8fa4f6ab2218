import { afterAll, beforeAll, expect, it } from 'vitest';
import { noFaultPoints } from '../../libs/mailing/src/model/ports/fault-points.js';
import { HealthReader } from '../../libs/mailing/src/store/queries/health.reader.js';
import { settleLate } from '../../libs/mailing/src/store/commands/settle-late.js';
import { MailingClaims } from '../../libs/mailing/src/store/claims/mailing-claims.js';
import { MailingDatabase } from '../../libs/mailing/src/store/database/mailing.database.js';
import { MailingReader } from '../../libs/mailing/src/store/queries/mailing.reader.js';
import { MailingLedger } from '../../libs/mailing/src/store/ledger/mailing.ledger.js';
import { CommandPersister } from '../../libs/mailing/src/store/commands/command.persister.js';
import { TemplateEmailPersister } from '../../libs/mailing/src/store/intake/template-email.persister.js';
import { forEachInnoDb } from '../support/databases/for-each-database.js';
import { ExplainingDatabase, type Plan } from '../support/databases/explaining-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { livingServer } from '../support/databases/living-server.js';
import { NUM_FORGOTTEN, restoreAll, sentAndForgotten } from '../support/databases/sent-and-forgotten.js';
import { writtenList } from '../support/databases/written-list.js';

const SERVER = 'test:1';
/** Enough rows to distinguish a scan of the list from a range of it. */
const RECIPIENTS = Number(process.env.MAILING_TEST_PLAN_RECIPIENTS ?? 20_000);
const MARKED = 50;

forEachInnoDb('the query plans of a run', (kind) => {
  let fresh: FreshDatabase;
  let mailingId: string;

  beforeAll(async () => {
    fresh = await freshDatabase(kind);
    const persister = new TemplateEmailPersister(new MailingDatabase(fresh.dataSource));
    mailingId = await writtenList(persister, SERVER, RECIPIENTS);
    await livingServer(fresh.dataSource, SERVER, 'run');
    // A history: mailings that are long over.
    const past = Array.from(
      { length: 5_000 },
      (_, n) => `('past-${n}', 'test:1', 'completed', 'x', 'x', 'x', NOW(3))`,
    );
    await fresh.dataSource.query(
      `INSERT INTO dps_mailing (id, uniq_server_id, status, subject, from_address, template_url, created_at)
       VALUES ${past.join(', ')}`,
    );
    const waiting = Array.from(
      { length: 5_000 },
      (_, n) => `('past-${n % 50}', ${n}, NOW(3) + INTERVAL 1 HOUR)`,
    );
    await fresh.dataSource.query(
      `INSERT INTO dps_mail_deferred (mailing_id, idx, next_attempt_at) VALUES ${waiting.join(', ')}`,
    );
    await fresh.dataSource.query(
      'ANALYZE TABLE dps_mailing, dps_email_address, dps_user_mailing, dps_mail_deferred',
    );
  }, 600_000);

  afterAll(() => fresh.dispose());

  it('use a primary key, touch the changed rows and not the list, and never sort', async () => {
    const database = new ExplainingDatabase(fresh.dataSource);
    const claims = new MailingClaims(database);
    const claim = await claims.claim(mailingId, SERVER, 'run#1');
    if (!claim) throw new Error('The mailing could not be claimed.');
    const ledger = new MailingLedger(database, claim);
    const quiet = { outcomes: [], deferred: [], returned: [], capacity: 0, inFlight: MARKED, release: null };
    await ledger.commit({ ...quiet, capacity: MARKED });
    const outcomes = [
      { idx: 0, status: 'sent', code: null, text: null } as const,
      { idx: 1, status: 'error', code: '550', text: 'no such user' } as const,
    ];
    await ledger.commit({ ...quiet, outcomes, returned: [2, 3], capacity: MARKED });
    await claims.recover(mailingId, SERVER, 'run#1', 'run#2', { resend: false, evidence: null });
    const known = { claimToken: 'run#1', commitSeq: ledger.commitSeq, sent: [4], unsent: [5, 6] };
    const late = await settleLate(database, { mailingId, batch: null }, known);
    expect([late.settled.size, late.numRetried]).toEqual([1, 2]);

    expect(database.plans.length).toBeGreaterThan(15);
    assertPlans(database.plans);
  });

  it('of restoring lost commits read by primary key the few rows of those commits', async () => {
    const memory = { memoryMs: 60_000, lagTimeoutMs: 0 };
    const database = new ExplainingDatabase(fresh.dataSource, noFaultPoints, 0, undefined, memory);
    const claims = new MailingClaims(database);
    const how = { resend: false, evidence: null };
    const claim = await claims.recover(mailingId, SERVER, 'run#2', 'run#2b', how);
    await sentAndForgotten(database, fresh.dataSource, claim!);
    database.plans.length = 0;
    expect(await restoreAll(database, SERVER, 'run')).toMatchObject([
      { numKnown: NUM_FORGOTTEN, numInFlight: 0 },
    ]);
    assertPlans(database.plans, 3);
  });

  it('of retries read the few retried recipients by key, whatever the length of the list', async () => {
    const database = new ExplainingDatabase(fresh.dataSource);
    const claims = new MailingClaims(database);
    const [{ status, claimToken }] = await claims.unfinished(SERVER);
    expect(status).toBe('in_progress');
    const claim = await claims.recover(mailingId, SERVER, claimToken as string, 'run#3', {
      resend: false,
      evidence: null,
    });
    if (!claim) throw new Error('The mailing could not be recovered.');
    database.plans.length = 0;
    const ledger = new MailingLedger(database, claim);
    const quiet = { outcomes: [], deferred: [], returned: [], capacity: 0, inFlight: MARKED, release: null };
    const answer = await ledger.commit({ ...quiet, capacity: MARKED });
    const marked = answer.kind === 'continue' ? answer.marked.map(({ idx }) => idx) : [];
    const refused = { code: '4.2.0', text: 'greylisted' };
    const deferred = marked.map((idx) => ({ idx, delayMs: 0, ...refused }));
    const again = await ledger.commit({ ...quiet, deferred, capacity: MARKED });
    expect(again.kind === 'continue' && again.marked.map(({ attempts }) => attempts)).toEqual(
      marked.map(() => 1),
    );
    await ledger.commit({ ...quiet, outcomes: [{ idx: marked[0], status: 'sent', code: null, text: null }] });
    await ledger.commit({ ...quiet, returned: [marked[1]] });
    await claims.recover(mailingId, SERVER, 'run#3', 'run#4', { resend: true, evidence: null });
    assertPlans(database.plans);
  });

  it('of commands use the key of the mailing, and of a look for work the index of the server', async () => {
    const database = new ExplainingDatabase(fresh.dataSource);
    const commands = new CommandPersister(database, noFaultPoints);
    await commands.pause(mailingId);
    await commands.resume(mailingId, SERVER);
    await commands.settleInDoubt(mailingId, 'error');
    await commands.retry(mailingId, 'error');
    await commands.retry(mailingId, 'skipped');
    await commands.cancel(mailingId);
    // MySQL does not examine a forced index, and estimates one row.
    assertPlans(database.plans, kind === 'mysql' ? 1 : 5);
    const pages = database.plans.filter(({ sql }) => sql.includes('ORDER BY idx'));
    expect(pages.length).toBeGreaterThan(3);
    for (const { sql, key, extra } of pages) {
      expect({ sql, key, sorts: /filesort/i.test(extra) }).toEqual({ sql, key: 'PRIMARY', sorts: false });
    }

    database.plans.length = 0;
    const claims = new MailingClaims(database);
    await claims.unfinished(SERVER);
    await claims.noteOverdue({ uniqServerId: SERVER });
    await commands.findPausedTransports({ uniqServerId: SERVER });
    await commands.resumeTransportPaused({ uniqServerId: SERVER }, null);
    const looks = database.plans.filter(({ extra }) => !/impossible|no matching/i.test(extra));
    expect(looks.map(({ key }) => key)).toEqual(looks.map(() => 'idx_dps_mailing_server'));
    for (const { sql, rows } of looks) expect({ sql, few: rows <= 10 }).toEqual({ sql, few: true });
  });

  it('of mailing lists scan an index backwards, and of their counts read only that index', async () => {
    const database = new ExplainingDatabase(fresh.dataSource);
    const reader = new MailingReader(database);
    const page = { status: null, beforeId: null, limit: 10 };
    await reader.list(page);
    await reader.list({ ...page, beforeId: 'past-4000' });
    await reader.list({ ...page, status: 'completed', beforeId: 'past-4000' });
    await reader.list({ ...page, status: 'failed' });
    for (const { sql, key, rows, extra } of database.plans) {
      const byIndex = ['PRIMARY', 'idx_dps_mailing_batched'].includes(key ?? 'none');
      // The few rows of a rare state may be sorted; a page of a frequent one must come from the index in order.
      const plan = { sql, byIndex, sorts: rows > 10 && /filesort|temporary/i.test(extra) };
      expect(rows === 0 ? { ...plan, byIndex: true } : plan).toEqual({ sql, byIndex: true, sorts: false });
    }
    const [rare] = database.plans.filter(({ sql }) => sql.includes('status = ?')).slice(-2);
    expect(rare).toMatchObject({ key: 'idx_dps_mailing_batched' });
    expect(rare.rows).toBeLessThanOrEqual(10);
    await reader.countsByStatus();
    const counts = database.plans.at(-1)!;
    expect(counts.key).toBe('idx_dps_mailing_batched');
    expect(counts.extra).toBe('Using index');
    await reader.reasons(mailingId);
    expect(database.plans.slice(-2).map(({ key }) => key)).toEqual(['PRIMARY', 'PRIMARY']);
  });

  it('of the health report read mailings that are not over by an index, however many are', async () => {
    const { dataSource } = fresh;
    await dataSource.query(
      `INSERT INTO dps_mailing (id, uniq_server_id, status, is_batched, subject, from_address, template_url, created_at)
       VALUES ('gone-1', 'gone:1', 'in_progress', 0, 'x', 'x', 'x', NOW(3)), ('gone-2', 'gone:1', 'pending', 1, 'x', 'x', 'x', NOW(3)),
         ('gone-3', 'gone:1', 'paused', 0, 'x', 'x', 'x', NOW(3))`,
    );
    await dataSource.query("UPDATE dps_mailing SET status_reason = 'transport: down' WHERE id = 'gone-3'");
    const database = new ExplainingDatabase(dataSource);
    const reader = new HealthReader(database, 20_000);
    const found = [
      ...(await reader.orphaned([SERVER])),
      ...(await reader.unclaimed()),
      ...(await reader.pausedByThemselves()),
      ...(await reader.overdue()),
    ];
    expect(found.map(({ mailingId }) => mailingId)).toEqual(['gone-1', 'gone-2', 'gone-3']);
    expect(database.plans).toHaveLength(4);
    for (const { sql, key, rows } of database.plans) {
      const byIndex = ['idx_dps_mailing_batched', 'idx_dps_mailing_server'].includes(key ?? 'none');
      expect({ sql, byIndex, few: rows <= 10 }).toEqual({ sql, byIndex: true, few: true });
    }
  });

  it('of waiting for a resume read mailings that are not over by an index, however many are', async () => {
    const { dataSource } = fresh;
    await dataSource.query(
      `INSERT INTO dps_mailing (id, uniq_server_id, status, is_batched, subject, from_address, template_url, created_at, status_reason)
       VALUES ('held-1', 'held:1', 'in_progress', 0, 'x', 'x', 'x', NOW(3), NULL), ('held-2', 'held:1', 'pending', 1, 'x', 'x', 'x', NOW(3), NULL),
         ('held-3', 'held:1', 'paused', 0, 'x', 'x', 'x', NOW(3), 'transport: down')`,
    );
    const database = new ExplainingDatabase(dataSource);
    const reader = new HealthReader(database, 20_000);
    for (const migrationList of [[], ['held:1'], null]) {
      const scope = { uniqServerId: 'held:1', migrationList, takesBatches: true };
      for (const limit of [10, 2_147_483_647]) {
        const held = (await reader.held(scope, limit)).map(({ mailingId }) => mailingId);
        expect(held.filter((id) => id.startsWith('held'))).toEqual(['held-1', 'held-2', 'held-3']);
      }
    }
    expect(database.asked).toHaveLength(6);
    for (const { sql, parameters } of database.asked) {
      const [{ table, key, rows }] = await database.steps(sql, parameters);
      // By one of the two indexes, or by a merge of both.
      const byIndex = /^idx_dps_mailing_(batched|server)(,|$)/.test(String(key));
      expect({ sql, table, byIndex, isFew: Number(rows) <= 20 }).toEqual({
        sql,
        table: 'm',
        byIndex: true,
        isFew: true,
      });
    }
  });

  it('of stalled mailings read claimed ones by an index, however many are over', async () => {
    const { dataSource } = fresh;
    await dataSource.query(
      `INSERT INTO dps_mailing (id, uniq_server_id, status, is_batched, subject, from_address, template_url, created_at, last_commit_at)
       VALUES ('stuck', '${SERVER}', 'in_progress', 0, 'x', 'x', 'x', NOW(3), '2020-01-01')`,
    );
    const batch = (n: number, status: string): string =>
      `('stuck-2', ${n}, ${n + 1}, '${SERVER}', '${status}', '2020-01-01', 1, ${n}, ${n}, ${n}, '2020-01-01')`;
    const over = Array.from({ length: 5_000 }, (_, n) => batch(n, 'completed'));
    await dataSource.query(
      `INSERT INTO dps_mail_batch (mailing_id, start_idx, end_idx, uniq_server_id, status, not_before, num_profiles, low_water_idx,
         next_idx, high_water_idx, last_commit_at)
       VALUES ${[...over, batch(5_000, 'claimed')].join(', ')}`,
    );
    await dataSource.query('ANALYZE TABLE dps_mailing, dps_mail_batch, dps_mail_server');
    const database = new ExplainingDatabase(dataSource);
    const found = await new HealthReader(database, 3_600_000).stalled(60_000);
    expect(found.map(({ mailingId }) => mailingId)).toEqual(['stuck', 'stuck-2']);
    expect(database.plans).toHaveLength(2);
    for (const { sql, parameters } of database.asked) {
      for (const { table, key, rows } of await database.steps(sql, parameters)) {
        const isFew = Number(rows) <= 20;
        expect({ sql, table, byKey: key !== null || table === 's', isFew }).toEqual({
          sql,
          table,
          byKey: true,
          isFew: true,
        });
      }
    }
  });
});

/** A table without a row of this mailing needs no key: "impossible where", "no matching row", or an estimate of one. */
function assertPlans(plans: Plan[], least = 5): void {
  // MySQL estimates neither the rows of a forced index nor those of a table without rows of the mailing.
  const isOnList = (sql: string): boolean =>
    /FROM `dps_(email_address|user_mailing)`[^]* ORDER BY idx/.test(sql);
  const onRows = plans.filter(
    ({ sql, extra, rows }) =>
      (rows > 1 || isOnList(sql)) && !/impossible|no matching|optimized away/i.test(extra),
  );
  expect(onRows.length).toBeGreaterThan(least);
  for (const { sql, key, rows, extra } of onRows) {
    // The estimate of a range ignores its LIMIT, so it must at least be in the order of the key.
    const most = sql.includes('LIMIT') ? RECIPIENTS * 2 : 4 * MARKED;
    const isOnTheFew = sql.includes('dps_mail_deferred');
    // The few deferred recipients may be found by either of their keys.
    const keys = isOnTheFew ? ['PRIMARY', 'idx_dps_mail_deferred_due'] : ['PRIMARY'];
    expect({
      sql,
      byKey: keys.includes(key ?? 'none'),
      few: rows <= most,
      sorts: /filesort|temporary/i.test(extra),
    }).toEqual({
      sql,
      byKey: true,
      few: true,
      sorts: false,
    });
  }
}
