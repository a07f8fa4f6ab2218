import { MailServer } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import {
  assertAllSentInBatches,
  batchesOf,
  sendBatched,
  TAKES_BATCHES,
} from '../../support/hosts/batched-mailing.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { HeldAnswers } from '../../crash/processes/held-answers.js';
import { greylisting } from '../../support/network/greylisting.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { waitUntil } from '../../support/wait-until.js';

forEachDatabase('a mailing in batches', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('is shared by two servers, merged once, and followed by the server that accepted it', async () => {
    const owner = await rig.boot(TAKES_BATCHES);
    await rig.boot({ ...TAKES_BATCHES, uniqServerId: 'test:2' });
    const { mailingId, completed } = await owner.sender.sendEmailMessage(
      { ...INFO, batched: true, batchSize: 20 },
      people(410),
      { persist: true },
    );
    expect(await completed).toMatchObject({ status: 'completed', numSent: 410, numProfiles: 410 });
    await assertAllSentInBatches(rig, mailingId as string, 410);
    const batches = await batchesOf(rig, mailingId as string);
    expect(batches.map((one) => one.numSent)).toEqual([...Array<number>(20).fill(20), 10]);
    expect(new Set(batches.map((one) => one.uniqServerId))).toEqual(new Set(['test:1', 'test:2']));
    const { mailing } = await rig.progress(mailingId as string);
    expect(mailing).toMatchObject({ claimToken: null, statusReason: null, isBatched: true, batchSize: 20 });
    expect([mailing.startTime, mailing.endTime]).not.toContain(null);
  });

  it('is sent by other servers after the server that wrote its list has stopped', async () => {
    const web = await rig.boot({ uniqServerId: 'web:1' });
    const mailingId = await sendBatched(web, 60);
    expect((await rig.progress(mailingId)).mailing.status).toBe('pending');
    await web.close();
    expect(rig.inbox.messages).toHaveLength(0);
    await rig.boot(TAKES_BATCHES);
    await rig.reached(mailingId, 'completed');
    await assertAllSentInBatches(rig, mailingId, 60);
  });

  it('shows the progress of its batches before they are merged', async () => {
    const app = await rig.boot({ ...TAKES_BATCHES, run: { concurrency: 2 } });
    const held = new HeldAnswers(() => rig.inbox.messages.length > 30);
    rig.inbox.answer = (step) => held.at(step);
    const mailingId = await sendBatched(app, 200, { batchSize: 100 });
    const progress = await waitUntil(
      async () => {
        const now = await app.query.get(mailingId);
        return now && now.numSent >= 20 ? now : null;
      },
      { what: 'a count of recipients' },
    );
    expect(progress.status).toBe('in_progress');
    expect((await rig.progress(mailingId)).mailing.numSent).toBe(0);
    await app.sender.cancel(mailingId);
    held.release();
  });

  it('drops duplicates, counts invalid addresses once, and is cut by idx', async () => {
    const app = await rig.boot(TAKES_BATCHES);
    const list = [...people(25), ...people(25), 'nobody at all', ...people(30).slice(25)];
    const mailingId = await sendBatched(app, list, { batchSize: 10 });
    const mailing = await rig.reached(mailingId, 'completed');
    expect(mailing).toMatchObject({ numProfiles: 31, numSent: 30, numSkipped: 1 });
    const batches = await batchesOf(rig, mailingId);
    // Idx 30 to 49 are duplicates only, so there is no batch for them.
    expect(batches.map((one) => [one.startIdx, one.endIdx, one.numProfiles])).toEqual([
      [0, 10, 10],
      [10, 20, 10],
      [20, 30, 5],
      [50, 60, 5],
    ]);
    expect(rig.inbox.messages).toHaveLength(30);
  });

  it('is completed at once when it has no recipient to send to, without a server that takes batches', async () => {
    const app = await rig.boot();
    const mailingId = await sendBatched(app, ['nobody at all']);
    expect(await rig.reached(mailingId, 'completed')).toMatchObject({ numProfiles: 1, numSkipped: 1 });
    const empty = await sendBatched(app, []);
    expect(await rig.reached(empty, 'completed')).toMatchObject({ numProfiles: 0, isBatched: false });
  });

  it('is every persisted mailing under batchIfPossible, unless its info says batched: false', async () => {
    const app = await rig.boot({
      ...TAKES_BATCHES,
      batch: { pollIntervalMs: 50, batchIfPossible: true, emailsPerBatch: 7 },
    });
    const mailingId = await rig.send(app, 21);
    expect(await rig.reached(mailingId, 'completed')).toMatchObject({ isBatched: true, batchSize: 7 });
    expect(await batchesOf(rig, mailingId)).toHaveLength(3);
    const { mailingId: whole } = await app.sender.sendEmailMessage(
      { ...INFO, batched: false },
      ['ann@home.example'],
      { persist: true },
    );
    expect(await rig.reached(whole as string, 'completed')).toMatchObject({ isBatched: false });
  });

  it('releases a batch that only waits for retries, and claims it again when a recipient in it is due', async () => {
    rig.inbox.answer = greylisting(1, 'reader3@home.example', 'reader47@home.example');
    const threads = { ...TAKES_BATCHES, batch: { pollIntervalMs: 50, numBatchThreads: 1 } };
    const app = await rig.boot({ ...threads, retry: { initialDelayMs: 3_600_000, maxDelayMs: 3_600_000 } });
    const mailingId = await sendBatched(app, 100);
    // With one thread, it could not send the other batches while it holds one that waits.
    await rig.inbox.waitFor(98);
    await waitUntil(async () => (await batchesOf(rig, mailingId)).every((one) => one.status !== 'claimed'), {
      what: 'every batch to be complete or free',
    });
    const waiting = (await batchesOf(rig, mailingId)).filter((one) => one.status === 'free');
    expect(waiting.map((one) => one.startIdx)).toEqual([0, 40]);
    const { startTime } = await rig.reached(mailingId, 'in_progress');
    for (const one of waiting) expect(one.notBefore.getTime()).toBeGreaterThan(Number(startTime));

    const { dataSource } = rig.database;
    await dataSource.query(`UPDATE dps_mail_deferred SET next_attempt_at = '2000-01-01'`);
    await dataSource.query(`UPDATE dps_mail_batch SET not_before = '2000-01-01' WHERE status = 'free'`);
    await rig.reached(mailingId, 'completed');
    await assertAllSentInBatches(rig, mailingId, 100);
  });

  it('is not started before sendAt', async () => {
    const app = await rig.boot(TAKES_BATCHES);
    const sendAt = new Date(Date.now() + 700);
    const { mailingId } = await app.sender.sendEmailMessage({ ...INFO, batched: true }, people(5), {
      persist: true,
      sendAt,
    });
    await rig.reached(mailingId as string, 'completed');
    const first = rig.inbox.messages[0].receivedAt.getTime();
    expect(first).toBeGreaterThanOrEqual(sendAt.getTime() - 5);
  });

  it('is released by an orderly stop with no recipient in doubt, and another server sends the rest', async () => {
    const first = await rig.boot(TAKES_BATCHES);
    const mailingId = await sendBatched(first, 300);
    await rig.inbox.waitFor(60);
    await first.close();
    expect((await rig.progress(mailingId)).byStatus).not.toHaveProperty('sending');
    expect((await batchesOf(rig, mailingId)).some((one) => one.status === 'claimed')).toBe(false);
    expect(await rig.database.dataSource.getRepository(MailServer).count()).toBe(0);
    await rig.boot({ ...TAKES_BATCHES, uniqServerId: 'test:2' });
    await rig.reached(mailingId, 'completed');
    await assertAllSentInBatches(rig, mailingId, 300);
  });
});
