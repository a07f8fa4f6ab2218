import type {
  BatchWork,
  Dispatcher,
  DispatcherContext,
  MailingFindingCode,
  MailingHealthReport,
} from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { batchesOf, sendBatched, TAKES_BATCHES } from '../../support/hosts/batched-mailing.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import { greylisting } from '../../support/network/greylisting.js';
import {
  addressesOf,
  assertOneCopyEach,
  commits,
  everythingOf,
  LEFT,
  leaveHalfSent,
  type LeftMailings,
} from '../../support/databases/left-half-sent.js';
import { healthIn } from '../../support/databases/left-rows.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { waitUntil } from '../../support/wait-until.js';

const POLLS = 12;
const MANUAL = {
  resume: 'manual' as const,
  migrationList: ['old:1'],
  server: { heartbeatIntervalMs: 30, leaseMs: 3_000 },
  ...TAKES_BATCHES,
};

const nothing = { adopted: [], resumed: [], failedLists: 0, batched: [] };
const codes = ({ findings }: MailingHealthReport): MailingFindingCode[] => findings.map(({ code }) => code);

async function allCompleted(rig: MailingRig, left: LeftMailings): Promise<void> {
  for (const mailingId of Object.values(left)) await rig.reached(mailingId, 'completed');
}

async function sends(rig: MailingRig, app: MailingApp, count: number): Promise<string> {
  const mailingId = await rig.send(app, count);
  await rig.reached(mailingId, 'completed');
  return mailingId;
}

forEachDatabase('a start with resume: manual', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  it('starts and changes no mailing that it finds, reports that, and resumeAll sends each remaining recipient one copy', async () => {
    const left = await leaveHalfSent(rig);
    const before = await everythingOf(rig);
    const messages = rig.inbox.messages.length;
    const connections = rig.inbox.connections.total;
    const app = await rig.boot(MANUAL);
    const told: unknown[] = [];
    app.events.on('server:resume-awaited', (facts) => told.push(facts));
    await commits(app, POLLS);
    expect(await app.restarter.sweep()).toEqual({ adopted: [], resumed: [], failedLists: 0 });
    expect(await everythingOf(rig)).toEqual(before);
    expect([rig.inbox.messages.length, rig.inbox.connections.total]).toEqual([messages, connections]);

    const numRecipients = 6 * LEFT - messages;
    expect(told).toEqual([{ uniqServerId: 'test:1', numMailings: 6, numRecipients }]);
    const report = await app.health.check();
    expect(report).toMatchObject({
      isHealthy: false,
      server: { state: 'member', isWaitingForResume: true },
    });
    expect(codes(report).sort()).toEqual(['mailings_paused', 'resume_awaited']);
    const waiting = report.findings.find(({ code }) => code === 'resume_awaited');
    expect(waiting?.message).toContain(`6 mailing(s) with ${numRecipients} recipients left`);
    expect(waiting?.message).toContain('TemplateEmailRestarter.resume()');
    expect(new Set(waiting?.mailingIds)).toEqual(new Set(Object.values(left)));
    expect(report.findings.find(({ code }) => code === 'mailings_paused')?.message).toContain('resume()');

    const resumed: unknown[] = [];
    app.events.on('server:resumed', (facts) => resumed.push(facts));
    const [first, same] = await Promise.all([app.restarter.resume(), app.restarter.resume()]);
    expect(same).toEqual(first);
    // The probe and this sweep may come in either order.
    const byLook = first.resumed.filter((mailingId) => mailingId !== left.outage);
    expect({ ...first, resumed: new Set(byLook) }).toEqual({
      adopted: [left.adoptable],
      resumed: new Set([left.stopped, left.killed, left.scheduled, left.adoptable]),
      failedLists: 0,
      batched: [left.batched],
    });
    await allCompleted(rig, left);
    await assertOneCopyEach(rig, { ...left });
    expect(await app.restarter.resume()).toEqual(nothing);
    expect(resumed).toEqual([{ uniqServerId: 'test:1' }]);
    expect(await app.health.check()).toMatchObject({
      isHealthy: true,
      server: { isWaitingForResume: false },
    });
    expect(told).toHaveLength(1);
  });

  it('sends mailings accepted from then on: retries, batches and an outage included', async () => {
    const left = await leaveHalfSent(rig);
    const messages = rig.inbox.messages.length;
    const app = await rig.boot({
      ...MANUAL,
      retry: { initialDelayMs: 20 },
      run: { transportOutageTimeoutMs: 0 },
    });
    rig.inbox.answer = greylisting(1, 'reader3@home.example');
    const deferred: number[] = [];
    app.events.on('recipient:deferred', ({ idx }) => deferred.push(idx));
    await sends(rig, app, 5);
    expect(deferred).toEqual([3]);
    const batched = await sendBatched(app, addressesOf('new'));
    await rig.reached(batched, 'completed');
    const back = await rig.inboxDown();
    const sendAt = new Date(Date.now() + 50);
    const late = await app.sender.sendEmailMessage(INFO, addressesOf('late'), { persist: true, sendAt });
    await rig.reached(late.mailingId as string, 'paused');
    await back();
    await rig.reached(late.mailingId as string, 'completed');
    const tomorrow = new Date(Date.now() + 86_400_000);
    await app.sender.sendEmailMessage(INFO, people(1), { persist: true, sendAt: tomorrow });
    await commits(app, POLLS);
    expect(rig.inbox.messages).toHaveLength(messages + 5 + 2 * LEFT);
    expect(
      (await app.health.check()).findings.find(({ code }) => code === 'resume_awaited')?.mailingIds,
    ).toHaveLength(6);
    await app.restarter.resume();
    await allCompleted(rig, left);
    await assertOneCopyEach(rig, { ...left });
  });

  it('resumes, cancels and pauses single mailings by their ids, and leaves the others alone', async () => {
    const left = await leaveHalfSent(rig);
    const app = await rig.boot(MANUAL);
    await healthIn(app, 'member');
    const messages = rig.inbox.messages.length;
    expect(await app.sender.cancel(left.killed)).toBe('canceled');
    expect(await app.sender.cancel(left.batched)).toBe('canceled');
    expect(await app.sender.pause(left.stopped)).toBe('paused');
    expect(rig.inbox.messages).toHaveLength(messages);
    expect(await app.sender.resume(left.stopped)).toBe('pending');
    await app.sender.resume(left.adoptable);
    await rig.reached(left.stopped, 'completed');
    await rig.reached(left.adoptable, 'completed');
    await commits(app, POLLS);
    await assertOneCopyEach(rig, { stopped: left.stopped, adoptable: left.adoptable });
    for (const [id, status] of [
      [left.scheduled, 'pending'],
      [left.outage, 'paused'],
    ] as const)
      expect(await app.query.get(id)).toMatchObject({ status });
    const { findings } = await app.health.check();
    const waiting = findings.find(({ code }) => code === 'resume_awaited');
    expect(new Set(waiting?.mailingIds)).toEqual(new Set([left.scheduled, left.outage]));
  });
});

describe('a server with resume: manual', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it('resumes a mailing in batches by its id: the batch of the dead server is freed, and all recipients are sent to', async () => {
    const left = await leaveHalfSent(rig);
    const app = await rig.boot(MANUAL);
    await healthIn(app, 'member');
    await app.sender.resume(left.batched);
    await rig.reached(left.batched, 'completed');
    await assertOneCopyEach(rig, { batched: left.batched });
    expect(await app.query.get(left.killed)).toMatchObject({ status: 'in_progress' });
  });

  it('claims no waiting batch before resumeAll, even if a dispatcher names it', async () => {
    let work: BatchWork | undefined;
    class Naming implements Dispatcher {
      start(context: DispatcherContext): void {
        work = context.work;
      }
      announce(): void {}
      async stop(): Promise<void> {}
    }
    const { batched: mailingId } = await leaveHalfSent(rig);
    const app = await rig.boot({ ...MANUAL, batch: { dispatcher: Naming } });
    await healthIn(app, 'member');
    const batch = { mailingId, startIdx: 20 };
    expect(await work?.free(100)).toEqual([]);
    expect(await work?.claim(batch)).toBeNull();
    await app.restarter.resume();
    expect(await work?.free(100)).toContainEqual(batch);
    await (await work?.claim(batch))?.run();
    expect((await batchesOf(rig, mailingId))[1]).toMatchObject({ status: 'complete', numSent: 20 });
  });

  it('applies a pause that was requested before its start, which sends nothing', async () => {
    const left = await leaveHalfSent(rig);
    const messages = rig.inbox.messages.length;
    const { dataSource } = rig.database;
    for (const id of [left.killed, left.batched])
      await dataSource.query(`UPDATE dps_mailing SET status = 'pausing' WHERE id = '${id}'`);
    const app = await rig.boot(MANUAL);
    await rig.reached(left.killed, 'paused');
    await rig.reached(left.batched, 'paused');
    expect((await batchesOf(rig, left.batched)).map(({ status }) => status)).toEqual([
      'free',
      'free',
      'free',
    ]);
    await app.restarter.resume();
    await rig.reached(left.stopped, 'completed');
    expect(await app.query.get(left.killed)).toMatchObject({ status: 'paused' });
    expect(rig.inbox.messages.length).toBeGreaterThan(messages);
  });

  it('retry reopens a completed mailing, and leaves a waiting one waiting', async () => {
    const left = await leaveHalfSent(rig);
    const { dataSource } = rig.database;
    await dataSource.query(
      `UPDATE dps_email_address SET status = 'error', error_code = '550' WHERE mailing_id = '${left.stopped}' AND idx = 0`,
    );
    await dataSource.query(
      `UPDATE dps_mailing SET num_sent = num_sent - 1, num_errors = 1 WHERE id = '${left.stopped}'`,
    );
    const app = await rig.boot(MANUAL);
    rig.inbox.answer = ({ command, to }) =>
      command === 'RCPT' && to[0] === 'reader1@home.example' ? { code: 550, text: '5.2.0 no' } : undefined;
    const over = await sends(rig, app, 3);
    rig.inbox.answer = undefined;
    const messages = rig.inbox.messages.length;
    expect(await app.sender.retry(left.stopped, 'errors')).toBe(1);
    await commits(app, POLLS);
    expect(rig.inbox.messages).toHaveLength(messages);
    expect(await app.sender.retry(over, 'errors')).toBe(1);
    await waitUntil(() => rig.inbox.messages.length === messages + 1, { what: 'the retry' });
    await rig.reached(over, 'completed');
    await app.close();

    // What the process before had accepted is a found mailing for the next one.
    const next = await rig.boot(MANUAL);
    await dataSource.query(
      `UPDATE dps_email_address SET status = 'error', error_code = '550' WHERE mailing_id = '${over}' AND idx = 0`,
    );
    await dataSource.query(
      `UPDATE dps_mailing SET num_sent = num_sent - 1, num_errors = 1 WHERE id = '${over}'`,
    );
    expect(await next.sender.retry(over, 'errors')).toBe(1);
    await rig.reached(over, 'completed');
    expect((await rig.progress(over)).byStatus).toEqual({ sent: 3 });
  });

  it('a repeated request for a waiting mailing starts nothing', async () => {
    const before = await rig.boot();
    const sendAt = new Date(Date.now() + 3_600_000);
    const how = { persist: true, idempotencyKey: 'may', sendAt };
    const { mailingId } = await before.sender.sendEmailMessage(INFO, people(3), how);
    await before.close();
    await rig.database.dataSource.query(`UPDATE dps_mailing SET scheduled_at = NULL`);
    const app = await rig.boot(MANUAL);
    const repeat = await app.sender.sendEmailMessage(INFO, people(3), how);
    expect(repeat).toMatchObject({ mailingId, isRepeat: true });
    await commits(app, POLLS);
    expect(rig.inbox.messages).toHaveLength(0);
    await app.restarter.resume();
    expect(await repeat.completed).toMatchObject({ status: 'completed', numSent: 3 });
  });

  it('on standby, refuses resumeAll and starts nothing, and its mailings still wait when it takes over', async () => {
    const left = await leaveHalfSent(rig);
    const first = await rig.boot(MANUAL);
    await healthIn(first, 'member');
    const second = await rig.boot(MANUAL);
    await healthIn(second, 'standby');
    await expect(second.restarter.resume()).rejects.toMatchObject({ code: 'MAILING_SERVER_STANDBY' });
    const messages = rig.inbox.messages.length;
    await first.close();
    await expect(first.restarter.resume()).rejects.toMatchObject({ code: 'MAILING_SERVER_SHUTTING_DOWN' });
    await healthIn(second, 'member');
    await commits(second, POLLS);
    expect(rig.inbox.messages).toHaveLength(messages);
    await second.restarter.resume();
    await allCompleted(rig, left);
    await assertOneCopyEach(rig, { ...left });
  });

  it('with resume: auto, and where no mailing waits, resumeAll is harmless and starts nothing', async () => {
    const app = await rig.boot();
    expect(await app.restarter.resume()).toEqual(nothing);
    const manual = await rig.boot({ ...MANUAL, uniqServerId: 'test:2' });
    const { isHealthy, server } = await healthIn(manual, 'member');
    expect([isHealthy, server.isWaitingForResume]).toEqual([true, true]);
    expect(await manual.restarter.resume()).toEqual(nothing);
    expect((await manual.health.check()).server.isWaitingForResume).toBe(false);
  });

  it('holds nothing back for other servers: one with resume: auto claims the batches', async () => {
    const left = await leaveHalfSent(rig);
    const app = await rig.boot(MANUAL);
    await rig.boot({ ...MANUAL, resume: 'auto', uniqServerId: 'test:2', migrationList: [] });
    await rig.reached(left.batched, 'completed');
    await assertOneCopyEach(rig, { batched: left.batched });
    expect(await app.query.get(left.stopped)).toMatchObject({ status: 'pending' });
  });
});
