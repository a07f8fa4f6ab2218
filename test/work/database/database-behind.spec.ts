import { setTimeout as delay } from 'node:timers/promises';
import type { MailingEventMap, MailingModuleOptions } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { MailingDatabase } from '../../../libs/mailing/src/store/database/mailing.database.js';
import { HeldAnswers } from '../../crash/processes/held-answers.js';
import { assertAllSentInBatches, sendBatched, TAKES_BATCHES } from '../../support/hosts/batched-mailing.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { MailingRig } from '../../support/hosts/mailing-rig.js';
import { MailingSnapshots } from '../../support/databases/mailing-snapshots.js';
import { waitUntil } from '../../support/wait-until.js';

const SERVER = { heartbeatIntervalMs: 100, leaseMs: 3_000, databaseLagTimeoutMs: 300 };
const COUNT = 200;

interface Told {
  behind: string[];
  rewound: MailingEventMap['database:rewound'][];
  lost: number;
  numSettled: number;
}

function listenTo(...apps: MailingApp[]): Told {
  const told: Told = { behind: [], rewound: [], lost: 0, numSettled: 0 };
  for (const { events } of apps) {
    events.on('run:commit-retried', ({ error }) => {
      const { code } = error as { code?: string };
      if (code === 'MAILING_DATABASE_BEHIND') told.behind.push(code);
    });
    events.on('database:rewound', (facts) => told.rewound.push(facts));
    events.on('run:fenced', () => told.lost++);
    events.on('in-doubt:settled', ({ numSent }) => (told.numSettled += numSent));
  }
  return told;
}

forEachDatabase('a database that shows an older state', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  async function boot(options: Partial<MailingModuleOptions> = {}): Promise<MailingApp> {
    // Slow enough that the mailing is still under way.
    rig.inbox.answer = ({ command }) => (command === 'END' ? delay(10) : undefined);
    return rig.boot({ ...options, server: { ...SERVER, ...options.server } });
  }

  /** Keeps the state after 30 messages as `old`, and continues to 90. */
  async function underWay(app: MailingApp, mailingId: string): Promise<MailingSnapshots> {
    const database = app.nest.get(MailingDatabase, { strict: false });
    const snapshots = await MailingSnapshots.of(database, mailingId, ['snap_old', 'snap_new']);
    await rig.inbox.waitFor(30);
    await snapshots.take('snap_old');
    await rig.inbox.waitFor(90);
    return snapshots;
  }

  const toBehind = (told: Told): Promise<unknown> =>
    waitUntil(() => told.behind.length > 0, { what: 'a run to find the database behind' });

  it('for a moment, as a lagging node does: the run waits, and no recipient is in doubt', async () => {
    const app = await boot({ server: { databaseLagTimeoutMs: 10_000 } });
    const told = listenTo(app);
    const mailingId = await rig.send(app, COUNT);
    const snapshots = await underWay(app, mailingId);
    await snapshots.exchange('snap_new', 'snap_old');
    await toBehind(told);
    await snapshots.put('snap_new');
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, COUNT);
    expect(told).toMatchObject({ rewound: [], lost: 0 });
  });

  it('for good: the forgotten commits are recorded again, and each recipient gets one message', async () => {
    const app = await boot();
    const told = listenTo(app);
    const mailingId = await rig.send(app, COUNT);
    const snapshots = await underWay(app, mailingId);
    await snapshots.exchange('snap_new', 'snap_old');
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, COUNT);
    expect(told.lost).toBe(0);
    expect(told.rewound).toEqual([
      expect.objectContaining({ mailingId, startIdx: null, numInDoubt: 0, numRestored: expect.any(Number) }),
    ]);
    const [{ numRestored, seen, committed }] = told.rewound;
    expect(numRestored).toBeGreaterThan(50);
    expect(committed).toBeGreaterThan(seen);
  });

  it('for good, with commits that the server no longer remembers: the mailing is paused, and the recipients not known are in doubt', async () => {
    const app = await boot({ server: { commitMemoryMs: 20 } });
    const told = listenTo(app);
    const mailingId = await rig.send(app, COUNT);
    const snapshots = await underWay(app, mailingId);
    await snapshots.exchange('snap_new', 'snap_old');
    const { statusReason } = await rig.reached(mailingId, 'paused');
    const { byStatus } = await rig.progress(mailingId);
    const received = rig.inbox.messages.length;
    expect(byStatus.sent + byStatus.in_doubt).toBe(received);
    expect(byStatus.in_doubt).toBeGreaterThan(0);
    expect(told.rewound).toEqual([expect.objectContaining({ numInDoubt: byStatus.in_doubt })]);
    expect(statusReason).toMatch(/^database rewound: \d+ recipients .* \d+ are in doubt/);
    const { findings } = await app.health.check();
    expect(findings).toContainEqual(expect.objectContaining({ code: 'mailings_paused' }));
    await app.sender.settleInDoubt(mailingId, 'sent');
    await app.sender.resume(mailingId);
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, COUNT);
  });

  it('for good, in batches: claimed batches and completed ones are restored', async () => {
    const app = await boot({ ...TAKES_BATCHES, uniqServerId: 'test:1' });
    const told = listenTo(app);
    const mailingId = await sendBatched(app, COUNT);
    const snapshots = await underWay(app, mailingId);
    await snapshots.exchange('snap_new', 'snap_old');
    await rig.reached(mailingId, 'completed');
    await assertAllSentInBatches(rig, mailingId, COUNT);
    expect(told.rewound.length).toBeGreaterThan(1);
    for (const { numInDoubt } of told.rewound) expect(numInDoubt).toBe(0);
  });

  it('for good, with recipients that were deferred and retried meanwhile: each gets one message', async () => {
    const refused = new Set<string>();
    const app = await boot({ retry: { initialDelayMs: 50 } });
    const slow = rig.inbox.answer!;
    rig.inbox.answer = (step) => {
      const to = step.to[step.to.length - 1];
      if (step.command !== 'RCPT' || refused.has(to) || refused.size >= 60) return slow(step);
      refused.add(to);
      return { code: 450, text: '4.2.0 later' };
    };
    const told = listenTo(app);
    const mailingId = await rig.send(app, COUNT);
    const snapshots = await underWay(app, mailingId);
    await snapshots.exchange('snap_new', 'snap_old');
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, COUNT);
    expect(told.rewound).toEqual([expect.objectContaining({ numInDoubt: 0 })]);
    expect(refused.size).toBe(60);
  });

  it('for good, and the server is declared dead on it: what a run could no longer record is not sent again', async () => {
    const held = new HeldAnswers(() => rig.inbox.messages.length > 90);
    const app = await boot();
    rig.inbox.answer = (step) => held.at(step);
    const told = listenTo(app);
    const mailingId = await rig.send(app, COUNT);
    const database = app.nest.get(MailingDatabase, { strict: false });
    const snapshots = await MailingSnapshots.of(database, mailingId, ['snap_old', 'snap_new']);
    await rig.inbox.waitFor(30);
    await snapshots.take('snap_old');
    await waitUntil(() => held.recipients.length === 5, { what: 'five messages without an answer' });
    await database.transaction(async (session) => {
      await session.change(`DELETE FROM ${session.tables.mailServer}`);
      await snapshots.exchangeIn(session, 'snap_new', 'snap_old');
    });
    await rig.reached(mailingId, 'paused');
    expect(told.rewound).toEqual([expect.objectContaining({ mailingId })]);
    expect(told.rewound[0].numInDoubt).toBeGreaterThanOrEqual(5);
    held.release();
    await waitUntil(() => told.numSettled >= 5, { what: 'late answers to settle the recipients in doubt' });
    const { byStatus } = await rig.progress(mailingId);
    expect(byStatus.in_doubt ?? 0).toBe(told.rewound[0].numInDoubt - told.numSettled);
    await app.sender.settleInDoubt(mailingId, 'error');
    await app.sender.resume(mailingId);
    await rig.reached(mailingId, 'completed');
    expect([...rig.inbox.countsByRecipient().values()].filter((copies) => copies > 1)).toEqual([]);
  });
});
