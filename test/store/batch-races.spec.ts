import type { EventEmitter } from 'node:events';
import { EmailAddress, MailBatch, Mailing, MailingEndedError } from 'nestjs-mailing';
import type { DataSource } from 'typeorm';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { noFaultPoints } from '../../libs/mailing/src/model/ports/fault-points.js';
import { toListedRecipient } from '../../libs/mailing/src/model/mail/listed-recipient.js';
import { MailingDatabase, type Session } from '../../libs/mailing/src/store/database/mailing.database.js';
import { CommandPersister } from '../../libs/mailing/src/store/commands/command.persister.js';
import { claimBatch } from '../../libs/mailing/src/store/claims/claim-batch.js';
import { requestCancel } from '../../libs/mailing/src/store/commands/request-cancel.js';
import { requestPause } from '../../libs/mailing/src/store/commands/request-pause.js';
import { lockProgress } from '../../libs/mailing/src/store/commands/lock-progress.js';
import { mergeRestOfCanceled } from '../../libs/mailing/src/store/completion/merge-rest-of-canceled.js';
import { applyCommand } from '../../libs/mailing/src/store/completion/apply-command.js';
import { settleInDoubtRows } from '../../libs/mailing/src/store/commands/settle-in-doubt.js';
import { TemplateEmailBatchPersister } from '../../libs/mailing/src/store/claims/template-email-batch.persister.js';
import { TemplateEmailPersister } from '../../libs/mailing/src/store/intake/template-email.persister.js';
import { assertBatchesAddUp } from '../support/databases/batch-progress.js';
import { readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase, forEachInnoDb } from '../support/databases/for-each-database.js';
import { type DatabaseKind } from '../support/databases/database-kinds.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { livingServer } from '../support/databases/living-server.js';
import { lockWait } from '../support/databases/lock-wait.js';

const SERVER = 'test:1';
const INCARNATION = '01234567-89ab-4def-8123-456789abcdef';
const INFO = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };
const BATCH = 10;

const tests = (kind: DatabaseKind, isReadCommitted = false): void => {
  let fresh: FreshDatabase;
  let database: MailingDatabase;
  let batches: TemplateEmailBatchPersister;
  let commands: CommandPersister;

  beforeEach(async () => {
    fresh = await freshDatabase(kind);
    if (isReadCommitted) await readCommitted(fresh.dataSource);
    database = new MailingDatabase(fresh.dataSource);
    batches = new TemplateEmailBatchPersister(database);
    commands = new CommandPersister(database, noFaultPoints);
    await livingServer(fresh.dataSource, SERVER, INCARNATION);
  });

  afterEach(() => fresh.dispose());

  /** A mailing in progress, with two free batches. */
  const begun = async (): Promise<string> => {
    const persister = new TemplateEmailPersister(database);
    const terms = { idempotencyKey: null, sendAt: null, doNotStartAfter: null, batchSize: BATCH };
    const mailingId = (await persister.createMailing(INFO, SERVER, 'list', terms)) as string;
    const count = 2 * BATCH;
    const list = Array.from({ length: count }, (_, idx) => ({
      ...toListedRecipient(`reader${idx}@home.example`, true),
      idx,
    }));
    await persister.writeChunk(mailingId, 'list', list, { batchSize: BATCH, fromIdx: 0, toIdx: count });
    const nothing = { batchSize: BATCH, fromIdx: count, toIdx: count };
    await persister.finishList(mailingId, 'list', count, nothing);
    await fresh.dataSource.getRepository(Mailing).update(mailingId, { status: 'in_progress' });
    return mailingId;
  };

  /** Does these steps and leaves the transaction open until `commit` is called. */
  const held = async (
    steps: (session: Session) => Promise<unknown>,
  ): Promise<{ commit(): Promise<void> }> => {
    let release!: () => void;
    const gate = new Promise<void>((resolve) => (release = resolve));
    let done!: () => void;
    const stepsDone = new Promise<void>((resolve) => (done = resolve));
    const transaction = database.transaction(async (session) => {
      await steps(session);
      done();
      await gate;
    });
    await Promise.race([stepsDone, transaction]);
    return { commit: () => (release(), transaction) };
  };

  it('a mailing does not become paused while a claim of a batch is being committed', async () => {
    const mailingId = await begun();
    const claim = await held((session) =>
      claimBatch(session, { mailingId, startIdx: 0 }, SERVER, `${INCARNATION}#1`),
    );
    const requested = commands.pause(mailingId);
    await lockWait(fresh);
    await claim.commit();
    expect(await requested).toMatchObject({ status: 'pausing' });
  });

  it('no batch is claimed while a pause is being committed', async () => {
    const mailingId = await begun();
    const order = await held(async (session) => {
      await requestPause(session, mailingId);
      await applyCommand(session, mailingId);
    });
    const claim = batches.claim({ mailingId, startIdx: 0 }, SERVER, `${INCARNATION}#1`);
    await lockWait(fresh);
    await order.commit();
    expect(await claim).toBeNull();
    expect(await commands.read(mailingId)).toMatchObject({ status: 'paused' });
  });

  it('the end of a mailing counts recipients in doubt as a concurrent command settled them', async () => {
    const mailingId = await begun();
    await fresh.dataSource.getRepository(EmailAddress).update({ mailingId, idx: 0 }, { status: 'in_doubt' });
    await fresh.dataSource.getRepository(MailBatch).update({ mailingId, startIdx: 0 }, { numErrors: 1 });
    await fresh.dataSource.getRepository(Mailing).update(mailingId, { status: 'paused' });
    const slice = { mailingId, batch: { startIdx: 0, endIdx: BATCH } };
    const settling = await held(async (session) => {
      await lockProgress(session, slice);
      await settleInDoubtRows(session, session.tables.emailAddress, slice, [0], 'sent');
    });
    const requested = commands.cancel(mailingId);
    await lockWait(fresh);
    await settling.commit();
    expect(await requested).toMatchObject({ status: 'canceled' });
    const { mailing } = await readProgress(fresh.dataSource, mailingId);
    expect(mailing).toMatchObject({ numSent: 1, numErrors: 0 });
    await assertBatchesAddUp(fresh.dataSource, mailingId);
  });

  it('no recipient becomes due again in a mailing that is being ended at that moment', async () => {
    const mailingId = await begun();
    await fresh.dataSource.getRepository(EmailAddress).update({ mailingId, idx: 0 }, { status: 'error' });
    const merged = { status: 'complete', isSummarized: true, numSent: 9, numErrors: 1 } as const;
    await fresh.dataSource.getRepository(MailBatch).update({ mailingId, startIdx: 0 }, merged);
    const paused = { status: 'paused', numSent: 9, numErrors: 1 } as const;
    await fresh.dataSource.getRepository(Mailing).update(mailingId, paused);
    const ending = await held(async (session) => {
      await requestCancel(session, mailingId);
      await mergeRestOfCanceled(session, mailingId);
    });
    const retried = commands.retry(mailingId, 'error').catch((error: unknown) => error);
    await lockWait(fresh);
    await ending.commit();
    expect(await retried).toBeInstanceOf(MailingEndedError);
    const { mailing, byStatus } = await readProgress(fresh.dataSource, mailingId);
    expect(mailing).toMatchObject({ status: 'canceled', numSent: 9, numErrors: 1 });
    expect(byStatus).toMatchObject({ error: 1 });
  });
};

forEachDatabase('commands on batches, concurrent with other transactions', (kind) => tests(kind));

forEachInnoDb('commands on batches, concurrent with other transactions, under READ COMMITTED', (kind) => {
  tests(kind, true);
});

/** A host may have set its server so; InnoDB then locks less of what an update only reads. */
async function readCommitted(dataSource: DataSource): Promise<void> {
  const statement = 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED';
  const { pool } = dataSource.driver as unknown as { pool: EventEmitter };
  pool.on('connection', (connection: { query(sql: string): unknown }) => connection.query(statement));
  // The connection that is open already.
  await dataSource.query(statement);
}
