import { afterAll, beforeAll, expect, it } from 'vitest';
import { noFaultPoints } from '../../libs/mailing/src/model/ports/fault-points.js';
import { MailingClaims } from '../../libs/mailing/src/store/claims/mailing-claims.js';
import { MailingDatabase } from '../../libs/mailing/src/store/database/mailing.database.js';
import { CommandPersister } from '../../libs/mailing/src/store/commands/command.persister.js';
import { TemplateEmailPersister } from '../../libs/mailing/src/store/intake/template-email.persister.js';
import { forEachInnoDb } from '../support/databases/for-each-database.js';
import { ExplainingDatabase, type Plan } from '../support/databases/explaining-database.js';
import { fillTable } from '../support/databases/fill-table.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { livingServer } from '../support/databases/living-server.js';
import { NUM_FORGOTTEN } from '../support/databases/sent-and-forgotten.js';
import { writtenList } from '../support/databases/written-list.js';
import { BATCH, BatchWork } from '../support/databases/batch-work.js';

const SERVER = 'test:1';
const INCARNATION = '01234567-89ab-4def-8123-456789abcdef';
const RECIPIENTS = Number(process.env.MAILING_TEST_PLAN_RECIPIENTS ?? 20_000);

forEachInnoDb('the query plans of batches', (kind) => {
  let fresh: FreshDatabase;
  let database: ExplainingDatabase;
  let work: BatchWork;
  let mailingId: string;

  beforeAll(async () => {
    fresh = await freshDatabase(kind);
    const persister = new TemplateEmailPersister(new MailingDatabase(fresh.dataSource));
    mailingId = await writtenList(persister, SERVER, RECIPIENTS, BATCH);
    await livingServer(fresh.dataSource, SERVER, INCARNATION);
    // Other mailings are batched too: some are scheduled, most are over.
    const isPaused = (n: number): boolean => n % 100 === 0;
    await fillTable(
      fresh.dataSource,
      'dps_mailing (id, uniq_server_id, status, is_batched, subject, from_address, template_url, created_at)',
      3_000,
      (n) =>
        `'past-${n + 1}', 'test:2', '${isPaused(n + 1) ? 'paused' : 'completed'}', 1, 'x', 'x', 'x', NOW(3)`,
    );
    await fillTable(
      fresh.dataSource,
      `dps_mail_batch (mailing_id, start_idx, end_idx, status, is_summarized, not_before, num_profiles, low_water_idx,
         next_idx, high_water_idx)`,
      30_000,
      (n) => {
        const [past, start] = [1 + Math.floor(n / 10), (n % 10) * 100];
        const status = isPaused(past) ? 'free' : 'complete';
        return `'past-${past}', ${start}, ${start + 100}, '${status}', 1, NOW(3), 100, 0, 0, 0`;
      },
    );
    await fresh.dataSource.query(
      'ANALYZE TABLE dps_mailing, dps_email_address, dps_mail_batch, dps_mail_deferred',
    );
    database = new ExplainingDatabase(fresh.dataSource);
    work = new BatchWork(database, mailingId, { uniqServerId: SERVER, incarnation: INCARNATION });
  }, 600_000);

  afterAll(() => fresh.dispose());

  /** Every access uses a key, and touches few rows. */
  const assertFew = (most: number): void => {
    const bad = database.plans.filter(
      ({ key, rows, extra }) =>
        !/impossible|no matching|optimized away/i.test(extra) && ((key === null && rows > 1) || rows > most),
    );
    expect(bad.map(({ sql, key, rows, extra }: Plan) => ({ sql, key, rows, extra }))).toEqual([]);
    database.plans.length = 0;
  };

  it('of poll and claim touch few rows, however many batches and mailings there are', async () => {
    expect(await work.batches.free(32)).toHaveLength(32);
    const looks = database.plans.map(({ key }) => key);
    expect(looks).toEqual(['idx_dps_mailing_batched', 'idx_dps_mail_batch_status']);
    database.plans.length = 0;
    await work.claim(0, '1');
    assertFew(1);
  });

  it('of commit, end and merge use keys', async () => {
    await work.commitAndRelease();
    assertFew(110);
    await work.complete();
    assertFew(110);
  });

  it('of restoring lost commits read by key the few rows of those commits', async () => {
    const memory = { memoryMs: 60_000, lagTimeoutMs: 0 };
    database = new ExplainingDatabase(fresh.dataSource, noFaultPoints, 0, undefined, memory);
    work = new BatchWork(database, mailingId, { uniqServerId: SERVER, incarnation: INCARNATION });
    await work.restore(fresh.dataSource, () => (database.plans.length = 0));
    assertFew(NUM_FORGOTTEN);
  });

  it('of sweep and commands use keys, and a command reads claimed batches, not all', async () => {
    await work.recover();
    await work.batches.requested();
    await new MailingClaims(database).noteOverdue('batched');
    assertFew(110);
    const commands = new CommandPersister(database, noFaultPoints);
    expect(await commands.pause(mailingId)).toMatchObject({ status: 'pausing' });
    assertFew(110);
  });
});
