import { afterAll, beforeAll, expect, it } from 'vitest';
import { noFaultPoints } from '../../libs/mailing/src/model/ports/fault-points.js';
import type { HeldClaim } from '../../libs/mailing/src/store/ledger/held-claim.js';
import { MailingClaims } from '../../libs/mailing/src/store/claims/mailing-claims.js';
import { MailingDatabase } from '../../libs/mailing/src/store/database/mailing.database.js';
import { MailingLedger } from '../../libs/mailing/src/store/ledger/mailing.ledger.js';
import { CommandPersister } from '../../libs/mailing/src/store/commands/command.persister.js';
import { TemplateEmailBatchPersister } from '../../libs/mailing/src/store/claims/template-email-batch.persister.js';
import { TemplateEmailPersister } from '../../libs/mailing/src/store/intake/template-email.persister.js';
import { forEachInnoDb } from '../support/databases/for-each-database.js';
import { ExplainingDatabase, type Plan } from '../support/databases/explaining-database.js';
import { fillTable } from '../support/databases/fill-table.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { livingServer } from '../support/databases/living-server.js';
import { NUM_FORGOTTEN, restoreAll, sentAndForgotten } from '../support/databases/sent-and-forgotten.js';
import { writtenList } from '../support/databases/written-list.js';

const SERVER = 'test:1';
const INCARNATION = '01234567-89ab-4def-8123-456789abcdef';
const RECIPIENTS = Number(process.env.MAILING_TEST_PLAN_RECIPIENTS ?? 20_000);
const BATCH = 100;
const QUIET = { outcomes: [], deferred: [], returned: [], capacity: 0, inFlight: 0, release: null };

forEachInnoDb('the query plans of batches', (kind) => {
  let fresh: FreshDatabase;
  let database: ExplainingDatabase;
  let batches: TemplateEmailBatchPersister;
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
    batches = new TemplateEmailBatchPersister(database);
  }, 600_000);

  afterAll(() => fresh.dispose());

  const claimed = async (startIdx: number, token: string): Promise<HeldClaim> => {
    const claim = await batches.claim({ mailingId, startIdx }, SERVER, `${INCARNATION}#${token}`);
    if (!claim) throw new Error('The batch could not be claimed.');
    return claim;
  };

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
    expect(await batches.free(32)).toHaveLength(32);
    const looks = database.plans.map(({ key }) => key);
    expect(looks).toEqual(['idx_dps_mailing_batched', 'idx_dps_mail_batch_status']);
    database.plans.length = 0;
    await claimed(0, '1');
    assertFew(1);
  });

  it('of commit, end and merge use keys', async () => {
    const ledger = new MailingLedger(database, await claimed(100, '2'));
    await ledger.commit({ ...QUIET, capacity: 50, inFlight: 50 });
    const deferred = [{ idx: 100, code: '4.2.0', text: 'greylisted', delayMs: 3_600_000 }];
    const sent = (from: number, to: number) =>
      Array.from(
        { length: to - from },
        (_, n) => ({ idx: from + n, status: 'sent', code: null, text: null }) as const,
      );
    // After failures a commit reads the other running batches, too.
    const scores = { suspect: 20, failure: 20 };
    const guard = { scores, sums: scores };
    await ledger.commit({ ...QUIET, outcomes: sent(101, 150), deferred, capacity: 50, inFlight: 50, guard });
    await ledger.commit({ ...QUIET, outcomes: sent(150, 200), capacity: 50 });
    expect(await ledger.commit({ ...QUIET, release: { kind: 'rest' } })).toMatchObject({ status: 'pending' });
    assertFew(110);

    const whole = new MailingLedger(database, await claimed(200, '3'));
    await whole.commit({ ...QUIET, capacity: 100, inFlight: 100 });
    const end = await whole.commit({ ...QUIET, outcomes: sent(200, 300), capacity: 1 });
    expect(end).toMatchObject({ kind: 'ended', status: 'completed', mailing: 'in_progress' });
    assertFew(110);
  });

  it('of restoring lost commits read by key the few rows of those commits', async () => {
    const memory = { memoryMs: 60_000, lagTimeoutMs: 0 };
    database = new ExplainingDatabase(fresh.dataSource, noFaultPoints, 0, undefined, memory);
    batches = new TemplateEmailBatchPersister(database);
    await sentAndForgotten(database, fresh.dataSource, await claimed(400, '5'));
    await sentAndForgotten(database, fresh.dataSource, await claimed(1_400, '6'));
    database.plans.length = 0;
    const restored = { numKnown: NUM_FORGOTTEN, numInFlight: 0 };
    expect(await restoreAll(database, SERVER, INCARNATION)).toMatchObject([restored, restored]);
    assertFew(NUM_FORGOTTEN);
  });

  it('of sweep and commands use keys, and a command reads claimed batches, not all', async () => {
    const dead = (await batches.claimedByDead(SERVER)).filter((one) => one.batch.startIdx === 0);
    expect(dead).toHaveLength(1);
    expect(
      await batches.recover(dead[0], SERVER, `${INCARNATION}#4`, { resend: false, journal: null }),
    ).not.toBeNull();
    await batches.requested();
    await new MailingClaims(database).noteOverdue('batched');
    assertFew(110);
    const commands = new CommandPersister(database, noFaultPoints);
    expect(await commands.pause(mailingId)).toMatchObject({ status: 'pausing' });
    assertFew(110);
  });
});
