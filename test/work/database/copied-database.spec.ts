import { hostname } from 'node:os';
import { EmailAddress, Mailing, MailBatch, type MailingStatus, MailServer } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { MailingRig } from '../../support/hosts/mailing-rig.js';
import { waitUntil } from '../../support/wait-until.js';

const LONG_AGO = new Date('2020-01-01T00:00:00Z');
const STATES: MailingStatus[] = ['loading', 'pending', 'in_progress', 'pausing', 'paused', 'canceling'];
/** The options of a host that sets nothing but the location of things. */
const DEFAULTS = { uniqServerId: undefined, server: { heartbeatIntervalMs: 20, leaseMs: 300 } };

forEachDatabase('a copy of the production database on a test machine', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  /** Mailings in every unfinished state, of a server that is not here, some of them in batches. */
  const copyProduction = async (): Promise<void> => {
    const { dataSource } = rig.database;
    const facts = { subject: 'x', from: 'x@x.example', templateUrl: 'letter.hbs', createdAt: LONG_AGO };
    for (const status of STATES) {
      for (const isBatched of [false, true]) {
        const id = `${status}-${isBatched}`;
        // The first recipient of a mailing in progress is in flight.
        const begun = status === 'in_progress' ? 1 : 0;
        const intent = { nextIdx: begun, highWaterIdx: begun };
        const claimToken = status === 'pending' || status === 'paused' ? null : 'production#1';
        await dataSource.getRepository(Mailing).insert({
          ...facts,
          id,
          status,
          isBatched,
          uniqServerId: 'prod:1',
          claimToken,
          ...intent,
          numProfiles: 2,
        });
        for (const idx of [0, 1]) {
          await dataSource.getRepository(EmailAddress).insert({
            mailingId: id,
            idx,
            emailAddress: `customer${idx}@home.example`,
            addressKey: `key ${idx}`,
            status: 'pending',
            changedAt: LONG_AGO,
          });
        }
        if (!isBatched) continue;
        const range = { startIdx: 0, endIdx: 2, lowWaterIdx: 0, ...intent, numProfiles: 2 };
        await dataSource
          .getRepository(MailBatch)
          .insert({ ...range, mailingId: id, status: 'free', notBefore: LONG_AGO });
      }
    }
    const server = { uniqServerId: 'prod:1', incarnation: 'production', hostname: 'prod.example', pid: 1 };
    const times = { startedAt: LONG_AGO, lastUpdated: LONG_AGO };
    await dataSource.getRepository(MailServer).insert({ ...server, ...times, takesBatches: true });
  };

  /** Excludes commands for batches that no server works on: any server applies those, which sends nothing. */
  const everything = async (): Promise<unknown> => {
    const { dataSource } = rig.database;
    const withCommand = `('pausing-true', 'canceling-true')`;
    return Promise.all([
      dataSource.query(`SELECT * FROM dps_mailing WHERE id NOT IN ${withCommand} ORDER BY id`),
      dataSource.query('SELECT * FROM dps_email_address ORDER BY mailing_id, idx'),
      dataSource.query(
        `SELECT * FROM dps_mail_batch WHERE mailing_id NOT IN ${withCommand} ORDER BY mailing_id`,
      ),
    ]);
  };

  it('resumes nothing, changes no mailing and sends to no recipient with default options', async () => {
    await copyProduction();
    const before = await everything();
    const app = await rig.boot(DEFAULTS);
    const pruned: string[] = [];
    app.events.on('server:pruned', ({ uniqServerId }) => pruned.push(uniqServerId));
    // Until then it has looked for work a dozen times.
    await waitUntil(() => pruned.length === 1, { what: 'the dead server to be pruned' });
    expect(await app.restarter.sweep()).toEqual({ adopted: [], resumed: [], failedLists: 0 });
    expect(await everything()).toEqual(before);
    expect(rig.inbox.connections.total).toBe(0);
    expect(rig.inbox.messages).toEqual([]);
    const report = await app.health.check();
    expect(report.server).toMatchObject({
      uniqServerId: hostname(),
      state: 'member',
      takesBatches: false,
    });
    expect(report.findings.map(({ code }) => code).sort()).toEqual([
      'batches_unclaimed',
      'mailings_orphaned',
    ]);
  });

  it('is resumed where a migrationList asks for it', async () => {
    await copyProduction();
    const app = await rig.boot({ ...DEFAULTS, migrationList: ['prod:1'] });
    const adopted = new Set<string>();
    app.events.on('mailing:adopted', ({ mailingId }) => adopted.add(mailingId));
    await waitUntil(() => adopted.has('in_progress-false'), { what: 'the adoption' });
    await waitUntil(() => rig.inbox.countsByRecipient().has('customer1@home.example'), { what: 'a message' });
    expect(adopted.has('in_progress-false')).toBe(true);
  });
});
