import { randomUUID } from 'node:crypto';
import { MailBatch } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import type { HeldClaim } from '../../../libs/mailing/src/store/ledger/held-claim.js';
import { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { MailingLedger } from '../../../libs/mailing/src/store/ledger/mailing.ledger.js';
import { TemplateEmailBatchPersister } from '../../../libs/mailing/src/store/claims/template-email-batch.persister.js';
import { BatchSweep } from '../../../libs/mailing/src/work/sweeps/batch.sweep.js';
import { assertBatchesAddUp } from '../../support/databases/batch-progress.js';
import { sendBatched, TAKES_BATCHES } from '../../support/hosts/batched-mailing.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { livingServer } from '../../support/databases/living-server.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { MailingRig } from '../../support/hosts/mailing-rig.js';
import { waitUntil } from '../../support/wait-until.js';

const BATCHES = 10;
const SIZE = 5;
/** Recipients that the dead server had in flight, of each batch. */
const MARKED = 2;
const QUIET = { outcomes: [], deferred: [], returned: [], inFlight: 0, release: null };

forEachDatabase('two sweeps of dead servers at the same moment', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  /** All batches are claimed by a server that is gone, each with a few recipients in flight. */
  const leaveBatches = async (mailingId: string): Promise<void> => {
    const { dataSource } = rig.database;
    const database = new MailingDatabase(dataSource);
    const batches = new TemplateEmailBatchPersister(database);
    const incarnation = randomUUID();
    await livingServer(dataSource, 'dead:1', incarnation);
    for (let n = 0; n < BATCHES; n++) {
      const batch = { mailingId, startIdx: n * SIZE };
      const claim = (await batches.claim(batch, 'dead:1', `${incarnation}#${n}`)) as HeldClaim;
      await new MailingLedger(database, claim).commit({ ...QUIET, capacity: MARKED });
    }
  };
  const sweepOf = (app: MailingApp): BatchSweep => app.nest.get(BatchSweep, { strict: false });

  it('free each batch of a dead server once, and put no recipient in doubt twice', async () => {
    // Heartbeats far apart, so only the sweeps of this test run.
    const far = { server: { heartbeatIntervalMs: 60_000, leaseMs: 600_000 } };
    const apps = await Promise.all(
      ['a:1', 'b:2', 'c:3'].map((uniqServerId) => rig.boot({ ...far, uniqServerId })),
    );
    const freed: { startIdx: number; numInDoubt: number }[] = [];
    for (const { events } of apps) events.on('batch:freed', (one) => freed.push(one));
    const mailingId = await sendBatched(apps[0], BATCHES * SIZE, { batchSize: SIZE });
    await leaveBatches(mailingId);
    await rig.database.dataSource.query(`DELETE FROM dps_mail_server WHERE uniq_server_id = 'dead:1'`);

    const counts = await Promise.all(apps.map((app) => sweepOf(app).sweep()));
    expect(counts.reduce((sum, count) => sum + count)).toBe(BATCHES);
    expect(freed.map(({ startIdx }) => startIdx).sort((a, b) => a - b)).toEqual(
      Array.from({ length: BATCHES }, (_, n) => n * SIZE),
    );
    expect(freed.every(({ numInDoubt }) => numInDoubt === MARKED)).toBe(true);
    const batches = await assertBatchesAddUp(rig.database.dataSource, mailingId);
    expect(batches.map((one) => [one.status, one.numErrors])).toEqual(Array(BATCHES).fill(['free', MARKED]));

    // A new server sends to all other recipients, and to no recipient in doubt.
    await rig.boot({ ...TAKES_BATCHES, uniqServerId: 'd:4' });
    await rig.reached(mailingId, 'completed');
    await assertBatchesAddUp(rig.database.dataSource, mailingId);
    const { byStatus } = await rig.progress(mailingId);
    expect(byStatus).toEqual({ sent: BATCHES * (SIZE - MARKED), in_doubt: BATCHES * MARKED });
    expect(rig.inbox.messages).toHaveLength(BATCHES * (SIZE - MARKED));
  });

  it('free the batch that another sweeper had recovered but not released when it died', async () => {
    const app = await rig.boot({ uniqServerId: 'a:1' });
    const mailingId = await sendBatched(app, BATCHES * SIZE, { batchSize: SIZE });
    await leaveBatches(mailingId);
    const { dataSource } = rig.database;
    // The sweeper has claimed the batch when it dies.
    const batches = new TemplateEmailBatchPersister(new MailingDatabase(dataSource));
    const sweeper = randomUUID();
    await livingServer(dataSource, 'sweeper:2', sweeper);
    for (const dead of await batches.claimedByDead('dead:1')) {
      await batches.recover(dead, 'sweeper:2', `${sweeper}#${dead.batch.startIdx}`, {
        resend: false,
        evidence: null,
      });
    }
    const freed: unknown[] = [];
    app.events.on('batch:freed', ({ fromServerId, numInDoubt }) => freed.push([fromServerId, numInDoubt]));
    await dataSource.query(`DELETE FROM dps_mail_server WHERE uniq_server_id IN ('dead:1', 'sweeper:2')`);
    await waitUntil(() => freed.length === BATCHES, { what: 'the batches to be freed' });
    // Recipients in flight became in doubt with the first recovery, so the second one finds none.
    expect(freed).toEqual(Array(BATCHES).fill(['sweeper:2', 0]));
    await assertBatchesAddUp(dataSource, mailingId);
    const all = await dataSource.getRepository(MailBatch).findBy({ mailingId });
    expect(all.map((one) => [one.status, one.numErrors])).toEqual(Array(BATCHES).fill(['free', MARKED]));
  });
});
