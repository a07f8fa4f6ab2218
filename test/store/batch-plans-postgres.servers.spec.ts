import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noFaultPoints } from '../../libs/mailing/src/model/ports/fault-points.js';
import { MailingClaims } from '../../libs/mailing/src/store/claims/mailing-claims.js';
import { MailingDatabase } from '../../libs/mailing/src/store/database/mailing.database.js';
import { CommandPersister } from '../../libs/mailing/src/store/commands/command.persister.js';
import { TemplateEmailPersister } from '../../libs/mailing/src/store/intake/template-email.persister.js';
import { ExplainingPostgres, stepsWithoutKey } from '../support/databases/explaining-postgres.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { livingServer } from '../support/databases/living-server.js';
import { writtenList } from '../support/databases/written-list.js';
import { BATCH, BatchWork } from '../support/databases/batch-work.js';
import { fillPostgresHistory } from '../support/databases/postgres-history.js';

const SERVER = 'test:1';
const INCARNATION = '01234567-89ab-4def-8123-456789abcdef';
const RECIPIENTS = Number(process.env.MAILING_TEST_PLAN_RECIPIENTS ?? 20_000);

describe('the query plans of batches (postgres)', () => {
  let fresh: FreshDatabase;
  let database: ExplainingPostgres;
  let work: BatchWork;
  let mailingId: string;

  beforeAll(async () => {
    fresh = await freshDatabase('postgres');
    const persister = new TemplateEmailPersister(new MailingDatabase(fresh.dataSource));
    mailingId = await writtenList(persister, SERVER, RECIPIENTS, BATCH);
    await livingServer(fresh.dataSource, SERVER, INCARNATION);
    await fresh.dataSource.query(
      `INSERT INTO dps_mailing (id, uniq_server_id, status, is_batched, subject, from_address, template_url, created_at)
       SELECT 'past-' || n, 'test:2', CASE WHEN n % 100 = 0 THEN 'paused' ELSE 'completed' END, TRUE, 'x', 'x', 'x', now()
       FROM generate_series(1, 3000) n`,
    );
    await fresh.dataSource.query(
      `INSERT INTO dps_mail_batch (mailing_id, start_idx, end_idx, status, is_summarized, not_before, num_profiles,
         low_water_idx, next_idx, high_water_idx)
       SELECT 'past-' || (1 + n / 10), (n % 10) * 100, (n % 10) * 100 + 100,
         CASE WHEN (1 + n / 10) % 100 = 0 THEN 'free' ELSE 'complete' END, TRUE, now(), 100, 0, 0, 0
       FROM generate_series(1, 29999) n`,
    );
    await fillPostgresHistory(fresh.dataSource);
    database = new ExplainingPostgres(fresh.dataSource);
    work = new BatchWork(database, mailingId, { uniqServerId: SERVER, incarnation: INCARNATION });
  }, 600_000);

  afterAll(() => fresh.dispose());

  const assertKeys = (atLeast: number): void => {
    expect(database.steps.length).toBeGreaterThan(atLeast);
    expect(stepsWithoutKey(database.steps)).toEqual([]);
    database.steps.length = 0;
  };

  it('of poll and claim use the indexes made for them', async () => {
    expect(await work.batches.free(32)).toHaveLength(32);
    const looks = database.steps.flatMap(({ node }) => node['Index Name'] ?? []);
    expect(looks).toEqual(expect.arrayContaining(['idx_dps_mailing_batched', 'idx_dps_mail_batch_status']));
    database.steps.length = 0;
    await work.claim(0, '1');
    assertKeys(1);
  });

  it('of commit, end and merge use keys', async () => {
    await work.commitAndRelease();
    await work.complete();
    assertKeys(30);
  });

  it('of restoring lost commits use keys', async () => {
    const memory = { memoryMs: 60_000, lagTimeoutMs: 0 };
    database = new ExplainingPostgres(fresh.dataSource, noFaultPoints, 0, undefined, memory);
    work = new BatchWork(database, mailingId, { uniqServerId: SERVER, incarnation: INCARNATION });
    await work.restore(fresh.dataSource, () => (database.steps.length = 0));
    assertKeys(20);
  });

  it('of sweep and commands use keys', async () => {
    await work.recover();
    assertKeys(10);
    await work.batches.requested();
    // Mailings with a command are few, and are sorted.
    const scans = database.steps.flatMap(({ node }) => node['Index Name'] ?? []);
    expect(scans).toContain('idx_dps_mailing_batched');
    database.steps.length = 0;
    await new MailingClaims(database).noteOverdue('batched');
    expect(await new CommandPersister(database, noFaultPoints).pause(mailingId)).toMatchObject({
      status: 'pausing',
    });
    assertKeys(10);
  });
});
