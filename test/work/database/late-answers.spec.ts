import {
  MailServer,
  type MailingEventMap,
  type MailingStatus,
  type ProfileRepository,
  type RecipientProfile,
  TemplateEmailPeriodicService,
} from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { MailingClaims } from '../../../libs/mailing/src/store/claims/mailing-claims.js';
import { BatchSweep } from '../../../libs/mailing/src/work/sweeps/batch.sweep.js';
import { HeldAnswers } from '../../crash/processes/held-answers.js';
import { assertAllSentInBatches, sendBatched, TAKES_BATCHES } from '../../support/hosts/batched-mailing.js';
import { assertProgressAddsUp } from '../../support/databases/stored-progress.js';
import { forEachDatabase } from '../../support/databases/for-each-database.js';
import type { MailingApp } from '../../support/hosts/mailing-app.js';
import { INFO, MailingRig } from '../../support/hosts/mailing-rig.js';
import { waitUntil } from '../../support/wait-until.js';

/** All recipients in doubt were handed over. Without a journal, which would tell the next server what was begun. */
const OPTIONS = {
  journal: false as const,
  server: { heartbeatIntervalMs: 100, leaseMs: 60_000 },
  run: { concurrency: 5, maxInDoubt: 5 },
};

forEachDatabase('answers of the mail server after the claim was lost', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  interface Lost {
    app: MailingApp;
    held: HeldAnswers;
    told: MailingEventMap['in-doubt:settled'][];
    mailingId: string;
  }

  /** A mailing whose server was declared dead while the mail server withheld its answers, and that was recovered since. */
  async function lostInFlight(
    send: (app: MailingApp) => Promise<string>,
    options: Parameters<MailingRig['boot']>[0] = {},
  ): Promise<Lost> {
    const app = await rig.boot({ ...OPTIONS, ...options });
    const told: Lost['told'] = [];
    app.events.on('in-doubt:settled', (facts) => told.push(facts));
    let recovered = 0;
    app.events.on('run:recovered', () => recovered++);
    app.events.on('batch:freed', () => recovered++);
    const held = new HeldAnswers(() => rig.inbox.messages.length > 20);
    rig.inbox.answer = (step) => held.at(step);
    const mailingId = await send(app);
    await waitUntil(() => held.recipients.length >= 5, { what: 'messages without an answer' });
    await rig.database.dataSource.getRepository(MailServer).delete({ uniqServerId: 'test:1' });
    await waitUntil(() => recovered > 0, { what: 'the lost mailing to be recovered' });
    return { app, held, told, mailingId };
  }

  it('settle the recipients in doubt of a mailing, and each recipient has one copy', async () => {
    const { held, told, mailingId } = await lostInFlight((app) => rig.send(app, 60));
    const { byStatus } = await rig.progress(mailingId);
    expect(byStatus.in_doubt).toBeGreaterThanOrEqual(5);
    held.release();
    await waitUntil(() => told.length > 0, { what: 'the recipients in doubt to be settled' });
    expect(told).toEqual([{ mailingId, numSent: byStatus.in_doubt, numRetried: 0 }]);
    await rig.reached(mailingId, 'completed');
    await rig.assertAllSent(mailingId, 60);
  });

  it('settle the recipients in doubt of a batch, in the counters of the batch and of the mailing', async () => {
    const { held, told, mailingId } = await lostInFlight(
      // One batch: another one might have marked recipients and started none of them.
      (app) => sendBatched(app, 60, { batchSize: 60 }),
      TAKES_BATCHES,
    );
    held.release();
    await rig.reached(mailingId, 'completed');
    await waitUntil(async () => (await rig.progress(mailingId)).byStatus.sent === 60, {
      what: 'all to be sent',
    });
    expect(told.length).toBeGreaterThan(0);
    await assertAllSentInBatches(rig, mailingId, 60);
  });

  interface TakenOver extends Lost {
    /** The server that has the batch now, and the answers to its messages, so that the mailing does not end meanwhile. */
    other: MailingApp;
    heldOfOther: HeldAnswers;
  }

  /** A batch that another server has taken over, with ten recipients in doubt: five were handed over, and five were not begun. */
  async function takenOver(): Promise<TakenOver> {
    const options = { ...OPTIONS, ...TAKES_BATCHES, run: { concurrency: 5, maxInDoubt: 10 } };
    const app = await rig.boot(options);
    // Otherwise it takes its batch back itself.
    app.nest.get(BatchSweep, { strict: false }).sweep = () => Promise.resolve(0);
    const told: Lost['told'] = [];
    app.events.on('in-doubt:settled', (facts) => told.push(facts));
    let ownConnections = Infinity;
    const held = new HeldAnswers(
      ({ connection }) => connection <= ownConnections && rig.inbox.messages.length > 20,
    );
    const heldOfOther = new HeldAnswers(({ connection }) => connection > ownConnections);
    rig.inbox.answer = (step) => Promise.all([held.at(step), heldOfOther.at(step)]).then(() => undefined);
    const mailingId = await sendBatched(app, 60, { batchSize: 60 });
    // The commit that records the last answer marks five more recipients, which wait for a connection.
    await waitUntil(
      async () => held.recipients.length === 5 && (await rig.progress(mailingId)).byStatus.sent === 20,
      { what: 'five messages without an answer' },
    );
    ownConnections = rig.inbox.connections.total;
    const other = await rig.boot({ ...options, uniqServerId: 'test:2' });
    const freed = new Promise((resolve) => other.events.on('batch:freed', resolve));
    const lost = new Promise((resolve) => app.events.on('server:lost', resolve));
    await rig.database.dataSource.getRepository(MailServer).delete({ uniqServerId: 'test:1' });
    await Promise.all([freed, lost]);
    return { app, other, held, heldOfOther, told, mailingId };
  }

  it('come with the knowledge of what was not begun: those recipients are sent to by the server that has the batch now', async () => {
    const { held, heldOfOther, told, mailingId } = await takenOver();
    expect((await rig.progress(mailingId)).byStatus.in_doubt).toBe(10);
    held.release();
    await waitUntil(() => told.length > 0, { what: 'the recipients in doubt to be settled' });
    expect(told).toEqual([{ mailingId, numSent: 5, numRetried: 5 }]);
    heldOfOther.release();
    await rig.reached(mailingId, 'completed');
    await assertAllSentInBatches(rig, mailingId, 60);
  });

  it.each<[string, (taken: TakenOver) => Promise<unknown>, number, MailingStatus]>([
    [
      'are in doubt for another reason since',
      () => rig.database.dataSource.query(`UPDATE dps_email_address SET error_text = 'another claim'`),
      5,
      'completed',
    ],
    [
      'an operator has settled',
      ({ other, mailingId }) => other.sender.settleInDoubt(mailingId, 'error'),
      0,
      'completed',
    ],
    ['belong to a canceled mailing', ({ other, mailingId }) => other.sender.cancel(mailingId), 5, 'canceled'],
  ])('do not cause a message to recipients that %s', async (_, change, stillInDoubt, end) => {
    const taken = await takenOver();
    const { app, held, heldOfOther, told, mailingId } = taken;
    await change(taken);
    held.release();
    let heartbeats = 0;
    app.nest.get(TemplateEmailPeriodicService, { strict: false }).addTask(() => void heartbeats++);
    await waitUntil(() => heartbeats > 3, { what: 'some heartbeats' });
    heldOfOther.release();
    await rig.reached(mailingId, end);
    expect(told.reduce((sum, { numRetried }) => sum + numRetried, 0)).toBe(0);
    const { byStatus } = await rig.progress(mailingId);
    expect(byStatus.in_doubt ?? 0).toBe(stillInDoubt);
    expect(Math.max(...rig.inbox.countsByRecipient().values())).toBe(1);
  });

  it('do not change recipients that an operator has settled meanwhile', async () => {
    const { app, held, told, mailingId } = await lostInFlight((one) => rig.send(one, 60));
    expect(await app.sender.settleInDoubt(mailingId, 'error')).toBe(5);
    held.release();
    await rig.reached(mailingId, 'completed');
    const progress = await rig.progress(mailingId);
    assertProgressAddsUp(progress);
    expect(progress.byStatus).toEqual({ error: 5, sent: 55 });
    expect(told).toEqual([]);
  });

  it('leave recipients in doubt that the mail server refused', async () => {
    const { held, told, mailingId } = await lostInFlight((one) => rig.send(one, 60));
    const [refused] = held.recipients;
    held.release(({ to }) => (to[0] === refused ? { code: 550, text: '5.7.1 no' } : undefined));
    await waitUntil(() => told.length > 0, { what: 'the recipients in doubt to be settled' });
    await rig.reached(mailingId, 'completed');
    const progress = await rig.progress(mailingId);
    assertProgressAddsUp(progress);
    expect(progress.byStatus).toEqual({ sent: 59, in_doubt: 1 });
  });

  it('wait until the slice is recovered', async () => {
    const app = await rig.boot(OPTIONS);
    const told: unknown[] = [];
    app.events.on('in-doubt:settled', (facts) => told.push(facts));
    const claims = app.nest.get(MailingClaims, { strict: false });
    const recover = claims.recover.bind(claims);
    let letRecover = (): void => undefined;
    const mayRecover = new Promise<void>((resolve) => (letRecover = resolve));
    let asked = 0;
    claims.recover = async (...parts) => {
      asked++;
      await mayRecover;
      return recover(...parts);
    };
    const held = new HeldAnswers(() => rig.inbox.messages.length > 20);
    rig.inbox.answer = (step) => held.at(step);
    const mailingId = await rig.send(app, 60);
    await waitUntil(() => held.recipients.length === 5, { what: 'five messages without an answer' });
    let commits = 0;
    const servers = rig.database.dataSource.getRepository(MailServer);
    await servers.delete({ uniqServerId: 'test:1' });
    await waitUntil(() => asked > 0, { what: 'the recovery to begin' });
    held.release();
    app.nest.get(TemplateEmailPeriodicService, { strict: false }).addTask(() => void commits++);
    await waitUntil(() => commits > 3, { what: 'some heartbeats' });
    expect(told).toEqual([]);
    letRecover();
    await rig.reached(mailingId, 'completed');
    await waitUntil(() => told.length > 0, { what: 'the recipients in doubt to be settled' });
    await rig.assertAllSent(mailingId, 60);
  });

  it('are reported to the profiles', async () => {
    const mailed = new Set<string>();
    class Customers implements ProfileRepository {
      findByIds(numbers: string[]): Promise<Map<string, RecipientProfile>> {
        return Promise.resolve(
          new Map(numbers.map((id) => [id, { email: `${id}@home.example`, receiveEmail: true }])),
        );
      }
      setLastEmailed(numbers: string[]): Promise<void> {
        for (const id of numbers) mailed.add(id);
        return Promise.resolve();
      }
    }
    const ids = Array.from({ length: 40 }, (_, n) => `user${n}`);
    const send = async (app: MailingApp): Promise<string> => {
      const { mailingId } = await app.sender.sendEmailMessage(
        INFO,
        ids.map((userId) => ({ userId })),
        { persist: true },
      );
      return mailingId as string;
    };
    const { held, mailingId } = await lostInFlight(send, { profileRepository: Customers });
    held.release();
    await rig.reached(mailingId, 'completed');
    await waitUntil(() => mailed.size === ids.length, { what: 'all profiles to be updated' });
    await rig.assertAllSent(mailingId, ids.length);
  });
});
