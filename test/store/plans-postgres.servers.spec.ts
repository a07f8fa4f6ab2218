import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noFaultPoints } from '../../libs/mailing/src/model/ports/fault-points.js';
import { mailboxKey } from '../../libs/mailing/src/model/addresses/email-address.js';
import { toListedRecipient } from '../../libs/mailing/src/model/mail/listed-recipient.js';
import { HealthReader } from '../../libs/mailing/src/store/queries/health.reader.js';
import { settleLate } from '../../libs/mailing/src/store/commands/settle-late.js';
import { MailingClaims } from '../../libs/mailing/src/store/claims/mailing-claims.js';
import { MailingDatabase } from '../../libs/mailing/src/store/database/mailing.database.js';
import { MailingLedger } from '../../libs/mailing/src/store/ledger/mailing.ledger.js';
import { SlotPersister } from '../../libs/mailing/src/store/intake/slot.persister.js';
import { CommandPersister } from '../../libs/mailing/src/store/commands/command.persister.js';
import { readSlots } from '../../libs/mailing/src/store/contents/read-slots.js';
import { claimAddresses } from '../../libs/mailing/src/store/recipients/claim-addresses.js';
import { TemplateEmailPersister } from '../../libs/mailing/src/store/intake/template-email.persister.js';
import { ExplainingPostgres, stepsWithoutKey } from '../support/databases/explaining-postgres.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { livingServer } from '../support/databases/living-server.js';
import { NUM_FORGOTTEN, restoreAll, sentAndForgotten } from '../support/databases/sent-and-forgotten.js';
import { writtenList } from '../support/databases/written-list.js';
import { fillPostgresHistory } from '../support/databases/postgres-history.js';

const SERVER = 'test:1';
const INFO = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };
const RECIPIENTS = Number(process.env.MAILING_TEST_PLAN_RECIPIENTS ?? 20_000);
const MARKED = 50;
const quiet = { outcomes: [], deferred: [], returned: [], capacity: 0, inFlight: MARKED, release: null };

describe('the query plans of a run (postgres)', () => {
  let fresh: FreshDatabase;
  let database: ExplainingPostgres;
  let mailingId: string;

  beforeAll(async () => {
    fresh = await freshDatabase('postgres');
    database = new ExplainingPostgres(fresh.dataSource);
    const plain = new MailingDatabase(fresh.dataSource);
    const persister = new TemplateEmailPersister(plain);
    mailingId = await writtenList(persister, SERVER, RECIPIENTS);
    await livingServer(fresh.dataSource, SERVER, 'run');
    // A history: mailings that are long over, lists of profiles, and many deferred recipients.
    await fresh.dataSource.query(
      `INSERT INTO dps_mailing (id, uniq_server_id, status, subject, from_address, template_url, created_at)
       SELECT 'past-' || n, 'test:1', 'completed', 'x', 'x', 'x', now() FROM generate_series(1, 5000) n`,
    );
    await fillPostgresHistory(fresh.dataSource);
  }, 600_000);

  afterAll(() => fresh.dispose());

  it('use a key, and never scan or sort the whole table', async () => {
    const claims = new MailingClaims(database);
    const claim = await claims.claim(mailingId, SERVER, 'run#1');
    if (!claim) throw new Error('The mailing could not be claimed.');
    const ledger = new MailingLedger(database, claim);
    await ledger.commit({ ...quiet, capacity: MARKED });
    const refused = { code: '4.2.0', text: 'greylisted' };
    const outcomes = [
      { idx: 0, status: 'sent', code: null, text: null } as const,
      { idx: 1, status: 'error', code: '550', text: 'no such user' } as const,
    ];
    const deferred = [4, 5, 6].map((idx) => ({ idx, delayMs: 0, ...refused }));
    await ledger.commit({ ...quiet, outcomes, deferred, returned: [2, 3], capacity: MARKED });
    await ledger.commit({ ...quiet, returned: [5] });
    await claims.recover(mailingId, SERVER, 'run#1', 'run#2', { resend: false, evidence: null });
    const known = { claimToken: 'run#1', commitSeq: ledger.commitSeq, sent: [7], unsent: [8, 9] };
    const late = await settleLate(database, { mailingId, batch: null }, known);
    expect([late.settled.size, late.numRetried]).toEqual([1, 2]);

    expect(database.steps.length).toBeGreaterThan(30);
    expect(stepsWithoutKey(database.steps)).toEqual([]);
    // Only due recipients are read, because the time ends the range of the index.
    const due = database.steps.find(({ sql }) => sql.includes('next_attempt_at <= '));
    expect(
      database.steps.filter(({ sql }) => sql === due?.sql).map(({ node }) => node['Index Cond']),
    ).toContainEqual(expect.stringMatching(/next_attempt_at <= /));
  });

  it('of restoring lost commits read by key the few rows of those commits', async () => {
    const memory = { memoryMs: 60_000, lagTimeoutMs: 0 };
    const remembering = new ExplainingPostgres(fresh.dataSource, noFaultPoints, 0, undefined, memory);
    const how = { resend: false, evidence: null };
    const claim = await new MailingClaims(remembering).recover(mailingId, SERVER, 'run#2', 'run#2b', how);
    await sentAndForgotten(remembering, fresh.dataSource, claim!);
    remembering.steps.length = 0;
    expect(await restoreAll(remembering, SERVER, 'run')).toMatchObject([
      { numKnown: NUM_FORGOTTEN, numInFlight: 0 },
    ]);
    expect(remembering.steps.length).toBeGreaterThan(10);
    expect(stepsWithoutKey(remembering.steps)).toEqual([]);
  });

  it('of a new list use both columns of a key, although the statistics only know earlier lists', async () => {
    const plain = new MailingDatabase(fresh.dataSource);
    const persister = new TemplateEmailPersister(plain);
    const newId = (await persister.createMailing(INFO, SERVER, 'list')) as string;
    for (let first = 0; first < RECIPIENTS; first += 1_000) {
      const chunk = Array.from({ length: 1_000 }, (_, n) => {
        const idx = first + n;
        const listed = idx % 2 === 0 ? { userId: `user${idx}` } : `reader${idx}@home.example`;
        return { ...toListedRecipient(listed, true), idx };
      });
      await persister.writeChunk(newId, 'list', chunk);
    }
    const slots = new SlotPersister(plain);
    const content = Array.from({ length: 1_000 }, (_, n) => ({
      slot: 'a',
      userId: `user${n}`,
      json: '{"is":1}',
    }));
    await slots.writeChunk(newId, 'list', content);
    await persister.finishList(newId, 'list', RECIPIENTS);

    database.steps.length = 0;
    const claims = new MailingClaims(database);
    const claim = await claims.claim(newId, SERVER, 'run#3');
    if (!claim) throw new Error('The mailing could not be claimed.');
    const ledger = new MailingLedger(database, claim);
    await ledger.commit({ ...quiet, capacity: MARKED });
    const sent = Array.from(
      { length: 20 },
      (_, idx) => ({ idx, status: 'sent', code: null, text: null }) as const,
    );
    await ledger.commit({ ...quiet, outcomes: sent, returned: [30, 31], capacity: MARKED });
    await readSlots(database, newId, ['user1', 'user2', 'user3']);
    const places = Array.from({ length: MARKED }, (_, n) => ({
      idx: 2 * n,
      key: mailboxKey(`${n}@x.example`),
    }));
    expect(new Set((await claimAddresses(database, newId, places)).values()).size).toBe(MARKED);
    // Rows that were just returned are not asked for again.
    expect(database.steps.filter(({ sql }) => sql.includes('dps_mail_address_claim'))).toEqual([]);
    await claims.recover(newId, SERVER, 'run#3', 'run#4', { resend: false, evidence: null });

    const lists = database.steps.filter(({ sql }) => /dps_(email_address|user_mailing|mail_slot)"/.test(sql));
    const conditions = lists.flatMap(({ sql, node }) => {
      const by = node['Index Cond'];
      return by === undefined ? [] : [{ sql, isByBoth: /\bidx\b|user_id|address_key/.test(by) }];
    });
    expect(conditions.length).toBeGreaterThan(10);
    expect(conditions.filter(({ isByBoth }) => !isByBoth)).toEqual([]);
  }, 600_000);

  it('of waiting for a resume read mailings that are not over by an index, however many are', async () => {
    database.steps.length = 0;
    const reader = new HealthReader(database, 20_000);
    for (const migrationList of [[], [SERVER], null]) {
      await reader.held({ uniqServerId: SERVER, migrationList, takesBatches: true }, 10);
    }
    const onMailings = database.steps.filter(({ node }) => node['Relation Name'] === 'dps_mailing');
    expect(onMailings.length).toBeGreaterThanOrEqual(3);
    expect(stepsWithoutKey(onMailings)).toEqual([]);
  });

  it('of stalled mailings read claimed ones by an index, however many are over', async () => {
    const progress = 'low_water_idx, next_idx, high_water_idx, last_commit_at';
    await fresh.dataSource.query(
      `INSERT INTO dps_mailing (id, uniq_server_id, status, subject, from_address, template_url, created_at, last_commit_at)
       VALUES ('stuck', '${SERVER}', 'in_progress', 'x', 'x', 'x', now(), '2020-01-01')`,
    );
    await fresh.dataSource.query(
      `INSERT INTO dps_mail_batch (mailing_id, start_idx, end_idx, uniq_server_id, status, not_before, num_profiles, ${progress})
       SELECT 'stuck-2', n, n + 1, '${SERVER}', CASE n WHEN 5000 THEN 'claimed' ELSE 'completed' END, now(), 1, n, n, n, '2020-01-01'
       FROM generate_series(0, 5000) n`,
    );
    await fresh.dataSource.query('ANALYZE');
    database.steps.length = 0;
    const found = await new HealthReader(database, 3_600_000).stalled(60_000);
    expect(found.map(({ mailingId: id }) => id)).toEqual(['stuck', 'stuck-2']);
    expect(stepsWithoutKey(database.steps)).toEqual([]);
    const names = database.steps.map(({ node }) => node['Index Name']).filter(Boolean);
    expect(names).toEqual(expect.arrayContaining(['idx_dps_mailing_batched', 'idx_dps_mail_batch_status']));
  });

  it('of a look for work use the index of the server', async () => {
    database.steps.length = 0;
    const claims = new MailingClaims(database);
    await claims.unfinished(SERVER);
    await claims.noteOverdue({ uniqServerId: SERVER });
    await new CommandPersister(database, noFaultPoints).findPausedTransports({ uniqServerId: SERVER });
    const scans = database.steps.filter(({ node }) => node['Index Name']);
    expect(scans.map(({ node }) => node['Index Name'])).toEqual(scans.map(() => 'idx_dps_mailing_server'));
    expect(scans).toHaveLength(3);
  });
});
