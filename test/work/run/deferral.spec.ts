import { MailDeferred, Mailing } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { greylisting } from '../../support/network/greylisting.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { waitUntil } from '../../support/wait-until.js';

forEachDatabase('a recipient deferred by the mail server', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('B12 is retried until it succeeds, and counts once, whatever its number of attempts', async () => {
    rig.inbox.answer = greylisting(3, 'reader4@home.example');
    const app = await rig.boot({ retry: { initialDelayMs: 30 } });
    const mailingId = await rig.send(app, 10);
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 10);
    const { recipients } = await rig.progress(mailingId);
    expect(recipients[4]).toMatchObject({
      attempts: 4,
      errorCode: null,
      errorText: null,
      nextAttemptAt: null,
    });
    expect(await rig.database.dataSource.getRepository(MailDeferred).count()).toBe(0);
  });

  it('does not hold up other recipients, and the mailing waits for it without polling', async () => {
    rig.inbox.answer = greylisting(1, 'reader0@home.example', 'reader1@home.example');
    const app = await rig.boot({ retry: { initialDelayMs: 3_600_000, maxDelayMs: 3_600_000 } });
    const mailingId = await rig.send(app, 40);
    await rig.inbox.waitFor(38);
    const deferred = rig.database.dataSource.getRepository(MailDeferred);
    await waitUntil(async () => (await rig.progress(mailingId)).byStatus.sent === 38, {
      what: 'the others to be sent',
    });
    const { byStatus, mailing, recipients } = await rig.progress(mailingId);
    expect(byStatus).toEqual({ sent: 38, deferred: 2 });
    expect(mailing).toMatchObject({ status: 'in_progress', lowWaterIdx: 40, nextIdx: 40 });
    expect(recipients[0]).toMatchObject({ attempts: 1, errorCode: '4.2.0' });
    expect(await deferred.countBy({ mailingId })).toBe(2);
    // No commit is made within five heartbeats.
    const commits = (await rig.database.dataSource.getRepository(Mailing).findOneByOrFail({ id: mailingId }))
      .commitSeq;
    let sweeps = 0;
    await waitUntil(async () => (await app.restarter.sweep(), ++sweeps > 5), { what: 'some sweeps' });
    const later = await rig.database.dataSource.getRepository(Mailing).findOneByOrFail({ id: mailingId });
    expect(later.commitSeq - commits).toBeLessThanOrEqual(1);

    await app.sender.cancel(mailingId);
    expect(await app.query.get(mailingId)).toMatchObject({
      status: expect.stringMatching(/^cancel/) as string,
    });
    await rig.reached(mailingId, 'canceled');
  });

  it('becomes an error after the last attempt, with the last reason', async () => {
    rig.inbox.answer = greylisting(99, 'reader2@home.example');
    const app = await rig.boot({ retry: { maxAttempts: 3, initialDelayMs: 10 } });
    const mailingId = await rig.send(app, 5);
    await rig.reached(mailingId, 'completed');
    const progress = await rig.progress(mailingId);
    assertProgressAddsUp(progress);
    expect(progress.recipients[2]).toMatchObject({ status: 'error', attempts: 3, errorCode: '4.2.0' });
  });

  it('A8 is found again after a restart, and no other recipient is touched', async () => {
    rig.inbox.answer = greylisting(1, 'reader0@home.example', 'reader3@home.example');
    const hours = { retry: { initialDelayMs: 3_600_000, maxDelayMs: 3_600_000 } };
    const first = await rig.boot(hours);
    const mailingId = await rig.send(first, 12);
    await waitUntil(async () => (await rig.progress(mailingId)).byStatus.sent === 10, {
      what: 'the others to be sent',
    });
    await first.close();
    expect((await rig.progress(mailingId)).mailing.status).toBe('pending');
    // As if an hour had passed.
    const { dataSource } = rig.database;
    await dataSource.getRepository(MailDeferred).update({ mailingId }, { nextAttemptAt: new Date(0) });
    await rig.boot(hours);
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 12);
  });

  it('is retried in a mailing that is not persisted as well', async () => {
    rig.inbox.answer = greylisting(2, 'reader1@home.example');
    const app = await rig.boot({ retry: { initialDelayMs: 20 } });
    const { completed } = await app.sender.sendEmailMessage(INFO, people(4));
    expect(await completed).toMatchObject({ status: 'completed', numSent: 4, numErrors: 0 });
    expect(rig.inbox.messages).toHaveLength(4);
  });

  it('B9 does not hold up other mailings while its own mailing only waits for it', async () => {
    rig.inbox.answer = greylisting(1, 'reader0@home.example');
    const app = await rig.boot({
      run: { maxConcurrentMailings: 1 },
      retry: { initialDelayMs: 3_600_000, maxDelayMs: 3_600_000 },
    });
    const waiting = await rig.send(app, 3);
    await waitUntil(async () => (await rig.progress(waiting)).byStatus.sent === 2, {
      what: 'the others to be sent',
    });
    const next = await app.sender.sendEmailMessage(INFO, people(9), { persist: true });
    expect(await next.completed).toMatchObject({ status: 'completed', numSent: 9 });
    // When its retry is due, its mailing obtains a slot again.
    await rig.database.dataSource
      .getRepository(MailDeferred)
      .update({ mailingId: waiting }, { nextAttemptAt: new Date(0) });
    await app.sender.pause(waiting);
    await rig.reached(waiting, 'paused');
    await app.sender.resume(waiting);
    await rig.reached(waiting, 'completed');
  });

  it('B9 does not delay the stop of the server', async () => {
    rig.inbox.answer = greylisting(1, 'reader0@home.example');
    const app = await rig.boot({ retry: { initialDelayMs: 3_600_000, maxDelayMs: 3_600_000 } });
    const { completed, mailingId } = await app.sender.sendEmailMessage(INFO, people(3), { persist: true });
    await waitUntil(async () => (await rig.progress(mailingId as string)).byStatus.deferred === 1, {
      what: 'the deferral',
    });
    await app.close();
    expect(await completed).toMatchObject({ status: 'pending', numSent: 2 });
  });
});
