import { randomUUID } from 'node:crypto';
import { EmailAddress, Mailing } from 'nestjs-mailing';
import type { DataSource } from 'typeorm';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { noFaultPoints } from '../../libs/mailing/src/model/ports/fault-points.js';
import type { Commit } from '../../libs/mailing/src/model/ports/ledger.js';
import { toListedRecipient } from '../../libs/mailing/src/model/mail/listed-recipient.js';
import type { HeldClaim } from '../../libs/mailing/src/store/ledger/held-claim.js';
import { MailingClaims } from '../../libs/mailing/src/store/claims/mailing-claims.js';
import { MailingDatabase } from '../../libs/mailing/src/store/database/mailing.database.js';
import { MailingLedger } from '../../libs/mailing/src/store/ledger/mailing.ledger.js';
import { MailingReader } from '../../libs/mailing/src/store/queries/mailing.reader.js';
import { CommandPersister } from '../../libs/mailing/src/store/commands/command.persister.js';
import { TemplateEmailPersister } from '../../libs/mailing/src/store/intake/template-email.persister.js';
import { readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { livingServer } from '../support/databases/living-server.js';

const SERVER = 'test:1';
const INFO = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };
const quiet: Commit = { outcomes: [], deferred: [], returned: [], capacity: 0, inFlight: 0, release: null };

forEachDatabase('the ledger of a mailing', (kind) => {
  let fresh: FreshDatabase;
  let database: MailingDatabase;
  let claims: MailingClaims;

  beforeEach(async () => {
    // Both found-rows settings must behave the same: MariaDB runs with the other one, MySQL with the default.
    const changedRows = { extra: { flags: ['-FOUND_ROWS'] } };
    fresh = await freshDatabase(kind, kind === 'mariadb' ? { dataSource: changedRows } : {});
    database = new MailingDatabase(fresh.dataSource);
    claims = new MailingClaims(database);
  });

  afterEach(() => fresh.dispose());

  const written = async (count: number): Promise<string> => {
    const persister = new TemplateEmailPersister(database);
    const mailingId = (await persister.createMailing(INFO, SERVER, 'list')) as string;
    const rows = Array.from({ length: count }, (_, idx) => ({
      ...toListedRecipient(`reader${idx}@home.example`, true),
      idx,
    }));
    for (let first = 0; first < count; first += persister.rowsPerChunk) {
      await persister.writeChunk(mailingId, 'list', rows.slice(first, first + persister.rowsPerChunk));
    }
    await persister.finishList(mailingId, 'list', count);
    return mailingId;
  };

  const claimed = async (mailingId: string, token = `${randomUUID()}#1`): Promise<HeldClaim> => {
    await livingServer(fresh.dataSource, SERVER, token.split('#')[0]);
    const claim = await claims.claim(mailingId, SERVER, token);
    if (!claim) throw new Error('The mailing could not be claimed.');
    return claim;
  };

  const sent = (idx: number): Commit['outcomes'][number] => ({ idx, status: 'sent', code: null, text: null });

  it('D6 grants one of ten concurrent claims, under either found-rows setting', async () => {
    const mailingId = await written(3);
    await livingServer(fresh.dataSource, SERVER, 'claimer');
    const got = await Promise.all(
      Array.from({ length: 10 }, (_, n) => claims.claim(mailingId, SERVER, `claimer#${n}`)),
    );
    expect(got.filter((claim) => claim !== null)).toHaveLength(1);
  });

  it('marks in order, writes outcomes and counters together, and completes with the last recipient', async () => {
    const mailingId = await written(5);
    const ledger = new MailingLedger(database, await claimed(mailingId));
    expect(await ledger.commit({ ...quiet, capacity: 3 })).toMatchObject({
      kind: 'continue',
      marked: [{ idx: 0 }, { idx: 1 }, { idx: 2 }],
      isExhausted: false,
    });
    await ledger.commit({ ...quiet, outcomes: [sent(0), sent(2)], capacity: 0, inFlight: 1 });
    const half = await readProgress(fresh.dataSource, mailingId);
    expect(half.byStatus).toEqual({ sent: 2, sending: 1, pending: 2 });
    expect(half.mailing).toMatchObject({ numSent: 2, lowWaterIdx: 1, nextIdx: 3 });
    const error = { idx: 1, status: 'error', code: '550', text: 'no such user' } as const;
    expect(await ledger.commit({ ...quiet, outcomes: [error], capacity: 9 })).toMatchObject({
      isExhausted: true,
    });
    expect(await ledger.commit({ ...quiet, outcomes: [sent(3), sent(4)], capacity: 1 })).toEqual({
      kind: 'ended',
      status: 'completed',
      mailing: 'completed',
    });
    const end = await readProgress(fresh.dataSource, mailingId);
    expect(end.mailing).toMatchObject({ status: 'completed', numSent: 4, numErrors: 1, numSkipped: 0 });
    expect(end.mailing.endTime).toBeInstanceOf(Date);
  });

  it('cuts a long reason between two characters', async () => {
    const mailingId = await written(2);
    const ledger = new MailingLedger(database, await claimed(mailingId));
    await ledger.commit({ ...quiet, capacity: 2 });
    const [code, text] = [`${'c'.repeat(63)}😀`, `${'x'.repeat(999)}😀`];
    await ledger.commit({
      ...quiet,
      outcomes: [{ idx: 0, status: 'error', code, text }],
      deferred: [{ idx: 1, code, text, delayMs: 0 }],
    });
    const { recipients } = await readProgress(fresh.dataSource, mailingId);
    const shown = recipients.map(({ errorCode, errorText }) => [errorCode, errorText]);
    expect(shown).toEqual(Array.from({ length: 2 }, () => ['c'.repeat(63), 'x'.repeat(999)]));
  });

  it('writes outcomes and the next marks in one commit, and touches no other row', async () => {
    const mailingId = await written(8);
    const ledger = new MailingLedger(database, await claimed(mailingId));
    await ledger.commit({ ...quiet, capacity: 4 });
    // Recipient 1 is marked again in one range with 4 and 5, and 3, which is in that range, stays in flight.
    await ledger.commit({ ...quiet, returned: [1], inFlight: 3 });
    const refused = { idx: 2, status: 'error', code: '550', text: 'no such user' } as const;
    const answer = await ledger.commit({ ...quiet, outcomes: [sent(0), refused], capacity: 3, inFlight: 1 });
    expect(answer).toMatchObject({ marked: [{ idx: 1 }, { idx: 4 }, { idx: 5 }] });
    const { recipients } = await readProgress(fresh.dataSource, mailingId);
    const shown = recipients.map(({ status, attempts, errorCode }) => [status, attempts, errorCode]);
    expect(shown).toEqual([
      ['sent', 1, null],
      ['sending', 0, null],
      ['error', 1, '550'],
      ['sending', 0, null],
      ['sending', 0, null],
      ['sending', 0, null],
      ['pending', 0, null],
      ['pending', 0, null],
    ]);
  });

  it('stamps each change of state with its time, and no other row', async () => {
    const mailingId = await written(5);
    const before = new Date('2001-01-01');
    await fresh.dataSource.getRepository(EmailAddress).update({ mailingId }, { changedAt: before });
    const ledger = new MailingLedger(database, await claimed(mailingId));
    const haveChanged = async (): Promise<boolean[]> => {
      const { recipients } = await readProgress(fresh.dataSource, mailingId);
      await fresh.dataSource.getRepository(EmailAddress).update({ mailingId }, { changedAt: before });
      return recipients.map(
        ({ changedAt }) => Math.abs(changedAt.getTime() - before.getTime()) > 172_800_000,
      );
    };
    await ledger.commit({ ...quiet, capacity: 4 });
    // A recipient in flight by next_idx alone has an untouched row.
    expect(await haveChanged()).toEqual([false, false, false, false, false]);
    const deferred = [{ idx: 1, delayMs: 0, code: '4.2.0', text: 'greylisted' }];
    await ledger.commit({ ...quiet, deferred, returned: [2], inFlight: 2 });
    expect(await haveChanged()).toEqual([true, true, true, true, false]);
    await ledger.commit({ ...quiet, outcomes: [sent(0)], capacity: 2, inFlight: 1 });
    expect(await haveChanged()).toEqual([true, true, false, false, false]);
    const shown = await new MailingReader(database).recipients(mailingId, {
      status: null,
      afterIdx: -1,
      limit: 9,
    });
    expect(shown.map(({ settledAt }) => settledAt !== null)).toEqual([true, false, false, false, false]);
  });

  it('commits nothing if a recipient with an outcome is not in flight in the tables', async () => {
    const mailingId = await written(6);
    const ledger = new MailingLedger(database, await claimed(mailingId));
    await ledger.commit({ ...quiet, capacity: 2 });
    const tampered = `UPDATE dps_email_address SET status = 'skipped' WHERE mailing_id = ${kind === 'postgres' ? '$1' : '?'} AND idx = 0`;
    await fresh.dataSource.query(tampered, [mailingId]);
    const commit = ledger.commit({ ...quiet, outcomes: [sent(0), sent(1)], capacity: 2 });
    await expect(commit).rejects.toThrow(/settled where/);
    const { mailing, recipients } = await readProgress(fresh.dataSource, mailingId);
    expect(mailing.numSent).toBe(0);
    expect(recipients.map(({ status }) => status).slice(0, 3)).toEqual(['skipped', 'sending', 'pending']);
  });

  it('leaves recipients unmarked if a command came before the commit', async () => {
    const mailingId = await written(6);
    const ledger = new MailingLedger(database, await claimed(mailingId));
    await ledger.commit({ ...quiet, capacity: 2 });
    await new CommandPersister(database, noFaultPoints).pause(mailingId);
    const answer = await ledger.commit({ ...quiet, outcomes: [sent(0)], capacity: 3, inFlight: 1 });
    expect(answer).toEqual({ kind: 'drain' });
    const { byStatus, mailing } = await readProgress(fresh.dataSource, mailingId);
    expect(byStatus).toEqual({ sent: 1, sending: 1, pending: 4 });
    expect(mailing).toMatchObject({ nextIdx: 2, highWaterIdx: 2 });
  });

  it('marks returned recipients again, before the others', async () => {
    const mailingId = await written(6);
    const ledger = new MailingLedger(database, await claimed(mailingId));
    await ledger.commit({ ...quiet, capacity: 4 });
    await ledger.commit({ ...quiet, outcomes: [sent(0), sent(3)], returned: [1, 2] });
    expect(await ledger.commit({ ...quiet, capacity: 3 })).toMatchObject({
      marked: [{ idx: 1 }, { idx: 2 }, { idx: 4 }],
    });
  });

  it('F2 writes nothing more for a run whose mailing was taken over', async () => {
    const mailingId = await written(4);
    const zombie = new MailingLedger(database, await claimed(mailingId, 'zombie#1'));
    await zombie.commit({ ...quiet, capacity: 2 });
    await livingServer(fresh.dataSource, SERVER, 'heir');
    const heir = await claims.recover(mailingId, SERVER, 'zombie#1', 'heir#1', {
      resend: false,
      evidence: null,
    });
    expect(heir).toMatchObject({ inFlight: { numInFlight: 2 }, numSettled: 2 });
    expect(await zombie.commit({ ...quiet, outcomes: [sent(0), sent(1)], capacity: 2 })).toEqual({
      kind: 'fenced',
    });
    const progress = await readProgress(fresh.dataSource, mailingId);
    expect(progress.byStatus).toEqual({ in_doubt: 2, pending: 2 });
    expect(progress.mailing).toMatchObject({ numSent: 0, numErrors: 2, claimToken: 'heir#1' });
    expect(
      await claims.recover(mailingId, SERVER, 'zombie#1', 'late#1', { resend: false, evidence: null }),
    ).toBeNull();
  });

  it('F2 lets an old incarnation of a server claim, recover and fail nothing', async () => {
    const [claimable, running] = [await written(2), await written(2)];
    await claimed(running, 'successor#1');
    const list = (await new TemplateEmailPersister(database).createMailing(
      INFO,
      SERVER,
      'successor#2',
    )) as string;
    expect(await claims.claim(claimable, SERVER, 'zombie#7')).toBeNull();
    expect(
      await claims.recover(running, SERVER, 'successor#1', 'zombie#8', { resend: true, evidence: null }),
    ).toBeNull();
    expect(await claims.failDeadLists(SERVER, 'zombie')).toBe(0);
    const mailings = await fresh.dataSource.getRepository(Mailing).find({ order: { id: 'ASC' } });
    expect(mailings.map(({ id, status, claimToken }) => [id, status, claimToken])).toEqual([
      [claimable, 'pending', null],
      [running, 'in_progress', 'successor#1'],
      [list, 'loading', 'successor#2'],
    ]);
  });

  it('recovers a slow message far behind the others', async () => {
    const mailingId = await written(40);
    const ledger = new MailingLedger(database, await claimed(mailingId, 'dead#1'));
    await ledger.commit({ ...quiet, capacity: 2 });
    // Recipient 0 hangs; all others overtake it.
    for (let idx = 1; idx < 30; idx++)
      await ledger.commit({ ...quiet, outcomes: [sent(idx)], capacity: 1, inFlight: 1 });
    const { mailing } = await readProgress(fresh.dataSource, mailingId);
    expect(mailing).toMatchObject({ lowWaterIdx: 0, nextIdx: 31 });
    await livingServer(fresh.dataSource, SERVER, 'heir');
    expect(
      await claims.recover(mailingId, SERVER, 'dead#1', 'heir#1', { resend: true, evidence: null }),
    ).toMatchObject({
      inFlight: { numInFlight: 2 },
    });
    const { recipients } = await readProgress(fresh.dataSource, mailingId);
    expect([recipients[0].status, recipients[30].status]).toEqual(['pending', 'pending']);
  });

  it('recognizes a commit whose answer got lost, and counts nothing twice', async () => {
    const mailingId = await written(5);
    const ledger = new MailingLedger(new LosesAnswers(fresh.dataSource), await claimed(mailingId));
    await expect(ledger.commit({ ...quiet, capacity: 2 })).rejects.toThrow('lost');
    expect(await ledger.commit({ ...quiet, capacity: 2 })).toMatchObject({
      marked: [{ idx: 0 }, { idx: 1 }],
    });
    const outcomes = [sent(0), sent(1)];
    await expect(ledger.commit({ ...quiet, outcomes, capacity: 2 })).rejects.toThrow('lost');
    expect(await ledger.commit({ ...quiet, outcomes, capacity: 2 })).toMatchObject({
      marked: [{ idx: 2 }, { idx: 3 }],
    });
    expect((await readProgress(fresh.dataSource, mailingId)).mailing).toMatchObject({
      numSent: 2,
      commitSeq: 5,
    });
  });

  it('keeps a claim whose fence failed on a lagging node that has caught up since', async () => {
    const mailingId = await written(2);
    const ledger = new MailingLedger(database, await claimed(mailingId));
    await ledger.commit({ ...quiet, capacity: 2 });
    const transaction = database.transaction.bind(database);
    // A lagging node would answer the same: it has no such row.
    database.transaction = (work) =>
      transaction((session) => work(Object.create(session, { change: { value: () => Promise.resolve(0) } })));
    const commit = { ...quiet, outcomes: [sent(0), sent(1)] };
    await expect(ledger.commit(commit)).rejects.toMatchObject({
      code: 'MAILING_DATABASE_BEHIND',
      isFirst: true,
    });
    database.transaction = transaction;
    await ledger.commit(commit);
    expect((await readProgress(fresh.dataSource, mailingId)).mailing).toMatchObject({ numSent: 2 });
  });

  it('skips and marks twice no recipient by its prefetch, whatever answers get lost and recipients are returned', async () => {
    const mailingId = await written(1_500);
    const ledger = new MailingLedger(new LosesAnswers(fresh.dataSource, 3), await claimed(mailingId));
    const seen: number[] = [];
    const comeBack = new Set(Array.from({ length: 5 }, (_, n) => n * 267 + 4));
    let marked: number[] = [];
    for (let n = 0; ; n++) {
      const returned = marked.filter((idx) => comeBack.delete(idx));
      const through = marked.filter((idx) => !returned.includes(idx));
      seen.push(...through);
      const commit = { ...quiet, outcomes: through.map(sent), returned, capacity: n % 7 === 6 ? 210 : 90 };
      const answer = await ledger.commit(commit).catch(() => ledger.commit(commit));
      if (answer.kind !== 'continue') break;
      marked = answer.marked.map(({ idx }) => idx);
    }
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 1_500 }, (_, idx) => idx));
    const { mailing, byStatus } = await readProgress(fresh.dataSource, mailingId);
    expect(byStatus).toEqual({ sent: 1_500 });
    expect(mailing).toMatchObject({ status: 'completed', numSent: 1_500 });
  });

  it('begins no recipient twice, whatever a read of the list returns', async () => {
    const mailingId = await written(600);
    const ledger = new MailingLedger(new LooksBack(fresh.dataSource), await claimed(mailingId));
    const begun: number[] = [];
    const all = async (): Promise<void> => {
      for (let outcomes: Commit['outcomes'] = []; ;) {
        const answer = await ledger.commit({ ...quiet, outcomes, capacity: 90 });
        if (answer.kind !== 'continue') return;
        begun.push(...answer.marked.map(({ idx }) => idx));
        outcomes = answer.marked.map(({ idx }) => sent(idx));
      }
    };
    await expect(all()).rejects.toThrow('0 is begun already');
    expect(begun).toEqual(Array.from(begun, (_, n) => n));
    const { mailing } = await readProgress(fresh.dataSource, mailingId);
    expect(mailing.nextIdx).toBe(begun.length);
  });

  it('defers a recipient with a temporary error, marks it again when due, and recovers it', async () => {
    const mailingId = await written(6);
    const ledger = new MailingLedger(database, await claimed(mailingId, 'dead#1'));
    await ledger.commit({ ...quiet, capacity: 3 });
    const deferral = (idx: number, delayMs: number) => ({ idx, delayMs, code: '4.2.0', text: 'greylisted' });
    await ledger.commit({
      ...quiet,
      outcomes: [sent(1)],
      deferred: [deferral(0, 0), deferral(2, 3_600_000)],
    });
    const half = await readProgress(fresh.dataSource, mailingId);
    expect(half.byStatus).toEqual({ deferred: 2, sent: 1, pending: 3 });
    expect(half.mailing).toMatchObject({ lowWaterIdx: 3, nextIdx: 3, numSent: 1 });
    expect(await ledger.commit({ ...quiet, capacity: 2 })).toMatchObject({
      marked: [{ idx: 0, attempts: 1 }, { idx: 3 }],
    });
    expect((await readProgress(fresh.dataSource, mailingId)).mailing).toMatchObject({
      lowWaterIdx: 3,
      // The capacity was two, and recipient 0 took one of it.
      nextIdx: 4,
    });
    await livingServer(fresh.dataSource, SERVER, 'heir');
    const claim = await claims.recover(mailingId, SERVER, 'dead#1', 'heir#1', {
      resend: false,
      evidence: null,
    });
    expect(claim).toMatchObject({ inFlight: { numInFlight: 2, retries: [0] } });
    const { recipients, mailing } = await readProgress(fresh.dataSource, mailingId);
    expect(recipients.map(({ status }) => status)).toEqual([
      'in_doubt',
      'sent',
      'deferred',
      'in_doubt',
      'pending',
      'pending',
    ]);
    expect(mailing).toMatchObject({ numErrors: 2, numSent: 1 });
  });

  it('commits thousands of refusals at a time, within the limits of a statement', async () => {
    const count = 4_500;
    const mailingId = await written(count);
    const ledger = new MailingLedger(database, await claimed(mailingId));
    const all = Array.from({ length: count }, (_, idx) => idx);
    await ledger.commit({ ...quiet, capacity: count });
    const why = { code: '4.2.0', text: 'greylisted' };
    await ledger.commit({ ...quiet, deferred: all.map((idx) => ({ idx, delayMs: 0, ...why })) });
    for (let marked = 0; marked < count;) {
      const answer = await ledger.commit({ ...quiet, capacity: count, inFlight: marked });
      marked += answer.kind === 'continue' ? answer.marked.length : Infinity;
    }
    const outcomes = all.map((idx) => ({ idx, status: 'error' as const, ...why }));
    expect(await ledger.commit({ ...quiet, outcomes, capacity: 1 })).toEqual({
      kind: 'ended',
      status: 'completed',
      mailing: 'completed',
    });
    expect((await readProgress(fresh.dataSource, mailingId)).byStatus).toEqual({ error: count });
  });

  it('releases the claim on an orderly stop', async () => {
    const mailingId = await written(2);
    const ledger = new MailingLedger(database, await claimed(mailingId));
    await ledger.commit({ ...quiet, capacity: 2 });
    expect(await ledger.commit({ ...quiet, returned: [0, 1], release: { kind: 'stop' } })).toEqual({
      kind: 'ended',
      status: 'pending',
      mailing: 'pending',
    });
    expect(await fresh.dataSource.getRepository(Mailing).findOneByOrFail({ id: mailingId })).toMatchObject({
      status: 'pending',
      claimToken: null,
    });
  });
});

/** A database whose every read returns the beginning of the list, as if no recipient had been begun. */
class LooksBack extends MailingDatabase {
  #beginning: unknown[] | undefined;

  override transaction<T>(steps: Parameters<MailingDatabase['transaction']>[0]): Promise<T> {
    return super.transaction((session) => {
      const rows = async (sql: string, parameters?: unknown[]): Promise<unknown[]> => {
        if (!sql.includes('email_address, display_name')) return session.rows(sql, parameters);
        return (this.#beginning ??= await session.rows(sql, parameters));
      };
      return steps({ ...session, rows: rows as typeof session.rows });
    }) as Promise<T>;
  }
}

/** A database that loses the answer of every other commit. */
class LosesAnswers extends MailingDatabase {
  #calls = 0;

  constructor(
    dataSource: DataSource,
    private readonly every = 2,
  ) {
    super(dataSource);
  }

  override async transaction<T>(steps: Parameters<MailingDatabase['transaction']>[0]): Promise<T> {
    const result = (await super.transaction(steps)) as T;
    if (this.#calls++ % this.every === 0)
      throw new Error('lost connection while waiting for the answer to COMMIT');
    return result;
  }
}
