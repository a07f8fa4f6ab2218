import { expect, it } from 'vitest';
import { TemplateEmailBatchPersister } from '../../../libs/mailing/src/store/claims/template-email-batch.persister.js';
import { RunRegistry } from '../../../libs/mailing/src/work/run/run.registry.js';
import {
  assertAllSentInBatches,
  batchesOf,
  sendBatched,
  TAKES_BATCHES,
} from '../../support/hosts/batched-mailing.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { MailingRig } from '../../support/hosts/mailing-rig.js';
import { waitUntil } from '../../support/wait-until.js';

forEachDatabase('an orderly stop of a server with batches', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('releases a batch whose claim is committed only after the stop was requested', async () => {
    const sender = await rig.boot({ uniqServerId: 'test:2' });
    const mailingId = await sendBatched(sender, 20);
    const app = await rig.boot(TAKES_BATCHES);
    const batches = app.nest.get(TemplateEmailBatchPersister, { strict: false });
    const claim = batches.claim.bind(batches);
    let isHeld = false;
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    batches.claim = async (...how) => {
      const claimed = await claim(...how);
      isHeld = true;
      await released;
      return claimed;
    };
    await waitUntil(() => isHeld, { what: 'a claim' });
    const closed = app.close();
    const runs = app.nest.get(RunRegistry, { strict: false });
    await waitUntil(() => runs.isStopping, { what: 'the runs to be stopped' });
    release();
    await closed;
    const [batch] = await batchesOf(rig, mailingId);
    expect([batch.status, batch.claimToken]).toEqual(['free', null]);

    await rig.boot({ ...TAKES_BATCHES, uniqServerId: 'test:3' });
    await rig.reached(mailingId, 'completed');
    await assertAllSentInBatches(rig, mailingId, 20);
  });
});
