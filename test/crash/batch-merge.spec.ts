import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Commit } from '../../libs/mailing/src/model/ports/ledger.js';
import { toListedRecipient } from '../../libs/mailing/src/model/mail/listed-recipient.js';
import type { HeldClaim } from '../../libs/mailing/src/store/ledger/held-claim.js';
import { MailingLedger } from '../../libs/mailing/src/store/ledger/mailing.ledger.js';
import { CommandPersister } from '../../libs/mailing/src/store/commands/command.persister.js';
import { TemplateEmailBatchPersister } from '../../libs/mailing/src/store/claims/template-email-batch.persister.js';
import { TemplateEmailPersister } from '../../libs/mailing/src/store/intake/template-email.persister.js';
import { noFaultPoints } from '../../libs/mailing/src/model/ports/fault-points.js';
import { assertBatchesAddUp } from '../support/databases/batch-progress.js';
import { readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { livingServer } from '../support/databases/living-server.js';
import { CutOff, CutOffDatabase } from './processes/cut-off.database.js';

const SERVER = 'test:1';
const HEIR = 'heir:2';
const SIZE = 3;
const INFO = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };
const QUIET: Commit = { outcomes: [], deferred: [], returned: [], capacity: 0, inFlight: 0, release: null };
const MAX_STATEMENTS = 40;

/** A mailing of two batches, just before the transaction that is cut off. */
interface Scene {
  mailingId: string;
  /** The transaction. It may be repeated. */
  step: () => Promise<unknown>;
}

forEachDatabase('the end of a batch, cut off between any two statements', (kind) => {
  let fresh: FreshDatabase;
  let database: CutOffDatabase;
  let batches: TemplateEmailBatchPersister;
  let commands: CommandPersister;

  beforeEach(async () => {
    fresh = await freshDatabase(kind);
    database = new CutOffDatabase(fresh.dataSource);
    batches = new TemplateEmailBatchPersister(database);
    commands = new CommandPersister(database, noFaultPoints);
  });

  afterEach(() => fresh.dispose());

  const written = async (): Promise<string> => {
    const persister = new TemplateEmailPersister(database);
    const mailingId = (await persister.createMailing(INFO, SERVER, 'list')) as string;
    const rows = Array.from({ length: 2 * SIZE }, (_, idx) => ({
      ...toListedRecipient(`reader${idx}@home.example`, true),
      idx,
    }));
    await persister.writeChunk(mailingId, 'list', rows);
    const cut = { batchSize: SIZE, fromIdx: 0, toIdx: 2 * SIZE };
    await persister.finishList(mailingId, 'list', 2 * SIZE, cut);
    return mailingId;
  };
  const claimed = async (mailingId: string, startIdx: number): Promise<HeldClaim> => {
    const incarnation = randomUUID();
    await livingServer(fresh.dataSource, SERVER, incarnation);
    return (await batches.claim({ mailingId, startIdx }, SERVER, `${incarnation}#1`)) as HeldClaim;
  };
  /** The commit that settles every recipient of a batch. */
  const lastCommit = (startIdx: number): Commit => ({
    ...QUIET,
    capacity: 1,
    outcomes: Array.from({ length: SIZE }, (_, n) =>
      n === 0
        ? { idx: startIdx, status: 'error', code: '550', text: 'no such user' }
        : { idx: startIdx + n, status: 'sent', code: null, text: null },
    ),
  });
  /** A claimed batch with every recipient marked. */
  const marked = async (mailingId: string, startIdx: number): Promise<MailingLedger> => {
    const ledger = new MailingLedger(database, await claimed(mailingId, startIdx));
    await ledger.commit({ ...QUIET, capacity: SIZE });
    return ledger;
  };

  const SCENES: Record<string, () => Promise<Scene>> = {
    'complete, with another batch left': async () => {
      const mailingId = await written();
      const ledger = await marked(mailingId, 0);
      return { mailingId, step: () => ledger.commit(lastCommit(0)) };
    },
    'complete, as the last batch': async () => {
      const mailingId = await written();
      await (await marked(mailingId, 0)).commit(lastCommit(0));
      const ledger = await marked(mailingId, SIZE);
      return { mailingId, step: () => ledger.commit(lastCommit(SIZE)) };
    },
    'released half done, when the plugin pauses the mailing': async () => {
      const mailingId = await written();
      const ledger = await marked(mailingId, 0);
      const outcomes = lastCommit(0).outcomes.slice(0, 2);
      const release = { kind: 'pause', reason: 'error rate' } as const;
      return { mailingId, step: () => ledger.commit({ ...QUIET, outcomes, returned: [2], release }) };
    },
    'the last batch of a mailing that is canceled': async () => {
      const mailingId = await written();
      const ledger = await marked(mailingId, 0);
      await commands.cancel(mailingId);
      const outcomes = lastCommit(0).outcomes.slice(0, 2);
      const release = { kind: 'stop' } as const;
      return { mailingId, step: () => ledger.commit({ ...QUIET, outcomes, returned: [2], release }) };
    },
    'recovered from a dead server': async () => {
      const mailingId = await written();
      await marked(mailingId, 0);
      await livingServer(fresh.dataSource, HEIR, 'heir');
      const [dead] = await batches.claimedByDead(SERVER);
      return {
        mailingId,
        step: () => batches.recover(dead, HEIR, 'heir#1', { resend: false, evidence: null }),
      };
    },
    'reopened for a retry': async () => {
      const mailingId = await written();
      for (const startIdx of [0, SIZE])
        await (await marked(mailingId, startIdx)).commit(lastCommit(startIdx));
      return { mailingId, step: () => commands.retry(mailingId, 'error') };
    },
  };

  const ending = async (mailingId: string): Promise<unknown> => {
    const { status, numSent, numErrors, numSkipped } = (await readProgress(fresh.dataSource, mailingId))
      .mailing;
    return { status, numSent, numErrors, numSkipped };
  };
  /** All claim holders die, and a living server recovers and ends their batches. */
  const recoverAll = async (mailingId: string): Promise<void> => {
    await fresh.dataSource.query('DELETE FROM dps_mail_server');
    await livingServer(fresh.dataSource, HEIR, 'heir');
    for (const dead of await batches.claimedByDead(HEIR)) {
      if (dead.mailingId !== mailingId) continue;
      const claim = await batches.recover(dead, HEIR, `heir#${randomUUID().slice(0, 8)}`, {
        resend: false,
        evidence: null,
      });
      await new MailingLedger(database, claim!).commit({ ...QUIET, release: { kind: 'stop' } });
    }
  };

  it.each(Object.keys(SCENES))('F5 %s: counters and rows never differ', async (name) => {
    const whole = await SCENES[name]();
    await whole.step();
    await assertBatchesAddUp(fresh.dataSource, whole.mailingId);
    const end = await ending(whole.mailingId);
    let cuts = 0;
    for (; cuts < MAX_STATEMENTS; cuts++) {
      const scene = await SCENES[name]();
      database.cutOffAfter = cuts;
      const isThrough = await scene.step().then(
        () => true,
        (error: unknown) => {
          if (!(error instanceof CutOff)) throw error;
          return false;
        },
      );
      database.cutOffAfter = Number.POSITIVE_INFINITY;
      await assertBatchesAddUp(fresh.dataSource, scene.mailingId);
      if (isThrough) break;
      // Every other time the process lives and repeats the transaction, which must end the same and count nothing twice.
      const isRepeated = cuts % 2 === 0;
      if (isRepeated) await scene.step();
      expect(isRepeated ? await ending(scene.mailingId) : end).toEqual(end);
      await recoverAll(scene.mailingId);
      const left = await assertBatchesAddUp(fresh.dataSource, scene.mailingId);
      expect(left.filter((one) => one.status === 'claimed')).toEqual([]);
      const { byStatus } = await readProgress(fresh.dataSource, scene.mailingId);
      expect([byStatus.sending ?? 0, (byStatus.in_doubt ?? 0) <= SIZE]).toEqual([0, true]);
    }
    // Cut off before each statement, and once before the commit.
    expect(cuts).toBeGreaterThan(3);
    expect(cuts).toBeLessThan(MAX_STATEMENTS);
  });
});
