import { randomUUID } from 'node:crypto';
import { Mailing, MailingMigrationsMissingError } from 'nestjs-mailing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { noFaultPoints } from '../../libs/mailing/src/model/ports/fault-points.js';
import type { Commit } from '../../libs/mailing/src/model/ports/ledger.js';
import { toListedRecipient } from '../../libs/mailing/src/model/mail/listed-recipient.js';
import { findWeakSettings } from '../../libs/mailing/src/store/environment/durability.check.js';
import type { HeldClaim } from '../../libs/mailing/src/store/ledger/held-claim.js';
import { MailingClaims } from '../../libs/mailing/src/store/claims/mailing-claims.js';
import { MailingDatabase, type Session } from '../../libs/mailing/src/store/database/mailing.database.js';
import { MailingLedger } from '../../libs/mailing/src/store/ledger/mailing.ledger.js';
import { checkSchema } from '../../libs/mailing/src/store/environment/schema.check.js';
import { MailingReader } from '../../libs/mailing/src/store/queries/mailing.reader.js';
import { CommandPersister } from '../../libs/mailing/src/store/commands/command.persister.js';
import { claimMailing } from '../../libs/mailing/src/store/claims/claim-mailing.js';
import { insertServer } from '../../libs/mailing/src/store/servers/insert-server.js';
import { replaceServer } from '../../libs/mailing/src/store/servers/replace-server.js';
import { lockProgress } from '../../libs/mailing/src/store/commands/lock-progress.js';
import { renewLease } from '../../libs/mailing/src/store/servers/renew-lease.js';
import { TemplateEmailBatchServerPersister } from '../../libs/mailing/src/store/servers/template-email-batch-server.persister.js';
import { TemplateEmailPersister } from '../../libs/mailing/src/store/intake/template-email.persister.js';
import { forEachDatabase, onDatabase } from '../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { livingServer } from '../support/databases/living-server.js';
import { lockWait } from '../support/databases/lock-wait.js';

const SERVER = 'test:1';
const TIMEOUT_MS = 60_000;
const INFO = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };
const quiet: Commit = { outcomes: [], deferred: [], returned: [], capacity: 0, inFlight: 0, release: null };
const neverKnown = (): boolean => false;
const server = (uniqServerId: string, incarnation: string) => ({
  uniqServerId,
  incarnation,
  hostname: 'test.example',
  pidNamespace: null,
  takesBatches: false,
  pid: 1,
});

/**
 * What the promise requires of a host's database: the same tests for every database, through the classes that the plugin itself
 * uses. The ledger of a run is in `test/store/mailing-ledger.spec.ts`, which runs on all databases as well; commands and outcomes
 * from the outside are in `test/work`.
 */
forEachDatabase('the store', (kind) => {
  let fresh: FreshDatabase;
  let database: MailingDatabase;
  /**
   * The store of another process. On SQLite it is a second user of the same connection, because two connections would block each
   * other.
   */
  let other: MailingDatabase;

  beforeEach(async () => {
    fresh = await freshDatabase(kind);
    database = new MailingDatabase(fresh.dataSource);
    other = kind === 'sqlite' ? database : new MailingDatabase(await fresh.connect());
  });

  afterEach(() => fresh.dispose());

  const written = async (addresses: string[], from = database): Promise<string> => {
    const persister = new TemplateEmailPersister(from);
    const mailingId = (await persister.createMailing(INFO, SERVER, 'list')) as string;
    const rows = addresses.map((address, idx) => ({ ...toListedRecipient(address, true), idx }));
    const chunk = await persister.writeChunk(mailingId, 'list', rows);
    await persister.finishList(mailingId, 'list', chunk!.numWritten);
    return mailingId;
  };
  const readers = (count: number): string[] =>
    Array.from({ length: count }, (_, idx) => `reader${idx}@home.example`);
  const claimed = async (mailingId: string): Promise<HeldClaim> => {
    const incarnation = randomUUID();
    await livingServer(fresh.dataSource, SERVER, incarnation);
    return (await new MailingClaims(database).claim(mailingId, SERVER, `${incarnation}#1`)) as HeldClaim;
  };
  const mailing = (id: string): Promise<Mailing> =>
    fresh.dataSource.getRepository(Mailing).findOneByOrFail({ id });
  const age = (uniqServerId: string, ms: number): Promise<number> =>
    database.change(
      `UPDATE ${database.tables.mailServer} SET last_updated = ${database.dialect.agoMs} WHERE uniq_server_id = ?`,
      [ms, uniqServerId],
    );

  it('D5 declares a server dead by the database’s clock, and registers one of two successors', async () => {
    const here = new TemplateEmailBatchServerPersister(database, TIMEOUT_MS);
    const there = new TemplateEmailBatchServerPersister(other, TIMEOUT_MS);
    expect(await here.register(server(SERVER, 'first'), neverKnown)).toBeNull();
    await age(SERVER, TIMEOUT_MS - 10_000);
    expect(await there.register(server(SERVER, 'second'), neverKnown)).toMatchObject({
      incarnation: 'first',
      isExpired: false,
    });
    expect(await there.prune(SERVER, neverKnown)).toBe(false);
    await age(SERVER, TIMEOUT_MS + 1);
    const answers = await Promise.all([
      here.register(server(SERVER, 'second'), neverKnown),
      there.register(server(SERVER, 'third'), neverKnown),
    ]);
    expect(answers.filter((answer) => answer === null)).toHaveLength(1);
    const heir = answers[0] === null ? 'second' : 'third';
    expect(await here.renew(SERVER, 'first')).toBe(false);
    expect(await there.renew(SERVER, heir)).toBe(true);
    await here.deregister(SERVER, 'first');
    expect(await here.find(SERVER)).toMatchObject({ incarnation: heir, isExpired: false });
    await here.deregister(SERVER, heir);
    expect(await here.find(SERVER)).toBeNull();
    expect(await there.prune(SERVER, neverKnown)).toBe(true);
  });

  it('D5 renews a lease whose row reaches a lagging node only after the update', async () => {
    await livingServer(fresh.dataSource, SERVER, 'first');
    await age(SERVER, TIMEOUT_MS + 1);
    let updates = 0;
    const isRenewed = await database.transaction((session) => {
      const change: Session['change'] = (...statement) =>
        updates++ === 0 ? Promise.resolve(0) : session.change(...statement);
      return renewLease(Object.create(session, { change: { value: change } }) as Session, SERVER, 'first');
    });
    expect(isRenewed).toBe(true);
    const persister = new TemplateEmailBatchServerPersister(database, TIMEOUT_MS);
    expect(await persister.find(SERVER)).toMatchObject({ incarnation: 'first', isExpired: false });
  });

  it('D5 checks a lease again in the takeover itself, so that a heartbeat in between wins', async () => {
    await livingServer(fresh.dataSource, SERVER, 'first');
    await age(SERVER, TIMEOUT_MS + 1);
    await new TemplateEmailBatchServerPersister(other, TIMEOUT_MS).renew(SERVER, 'first');
    expect(await replaceServer(database, server(SERVER, 'second'), 'first', false, TIMEOUT_MS)).toBe(false);
    expect(await replaceServer(database, server(SERVER, 'second'), 'first', true, TIMEOUT_MS)).toBe(true);
  });

  it('F2 serializes the registration of a successor and a claim, so that the later one sees the other', async () => {
    const [early, late] = [await written(readers(1)), await written(readers(1))];
    await livingServer(fresh.dataSource, SERVER, 'first');
    const order: string[] = [];
    let successor: Promise<unknown> = Promise.resolve();
    await database.transaction(async (session) => {
      expect(await claimMailing(session, early, SERVER, 'first#1')).toBe(true);
      successor = replaceServer(other, server(SERVER, 'second'), 'first', true, TIMEOUT_MS).then(() =>
        order.push('successor'),
      );
      await lockWait(fresh);
      order.push('claim');
    });
    await successor;
    expect(order).toEqual(['claim', 'successor']);

    let zombie: Promise<unknown> = Promise.resolve();
    await other.transaction(async (session) => {
      await replaceServer(session, server(SERVER, 'third'), 'second', true, TIMEOUT_MS);
      zombie = new MailingClaims(database).claim(late, SERVER, 'second#1');
      await lockWait(fresh);
    });
    expect(await zombie).toBeNull();
    expect(await mailing(late)).toMatchObject({ status: 'pending', claimToken: null });
  });

  it('lets a server keep its mailings if it returns before they are adopted, and otherwise registers it afterwards', async () => {
    const mailingId = await written(readers(1));
    let moving: Promise<string[]> = Promise.resolve([]);
    let back: Promise<void> = Promise.resolve();
    await database.transaction(async (session) => {
      await lockProgress(session, { mailingId, batch: null });
      moving = new MailingClaims(other).adopt(SERVER, 'heir:2');
      await lockWait(fresh);
      const enter = kind === 'sqlite' ? database : new MailingDatabase(await fresh.connect());
      back = insertServer(enter, server(SERVER, 'again'));
      // Only PostgreSQL registers the server at once, and so it keeps the mailing.
      if (kind === 'postgres') await back;
    });
    await back;
    const moved = await moving;
    const allowed = {
      sqlite: [[], [mailingId]],
      mariadb: [[mailingId]],
      mysql: [[mailingId]],
      postgres: [[]],
    }[kind];
    expect(allowed).toContainEqual(moved);
    expect((await mailing(mailingId)).uniqServerId).toBe(moved.length === 0 ? SERVER : 'heir:2');
    expect(await new MailingClaims(database).adoptOne(mailingId, SERVER, 'late:3')).toBe(false);
  });

  it('adopts mailings of a server without a row, one or all', async () => {
    const [one, two] = [await written(readers(1)), await written(readers(1))];
    const claims = new MailingClaims(other);
    expect(await claims.ownersOfUnfinished('heir:2')).toEqual([SERVER]);
    expect(await claims.adoptOne(one, SERVER, 'heir:2')).toBe(true);
    expect(await claims.adopt(SERVER, 'heir:2')).toEqual([two]);
    expect((await claims.unfinished('heir:2')).map(({ mailingId }) => mailingId)).toEqual([one, two]);
  });

  it('D6 grants one of many concurrent claims in two processes', async () => {
    const mailingId = await written(readers(3));
    await livingServer(fresh.dataSource, SERVER, 'claimer');
    const got = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        new MailingClaims(n % 2 ? database : other).claim(mailingId, SERVER, `claimer#${n}`),
      ),
    );
    const winners = got.filter((claim) => claim !== null);
    expect(winners).toHaveLength(1);
    expect(await mailing(mailingId)).toMatchObject({ claimToken: winners[0].claimToken, commitSeq: 3 });
  });

  it('D5 begins no mailing before its start or after its deadline, by the database’s clock', async () => {
    const persister = new TemplateEmailPersister(database);
    const claims = new MailingClaims(database);
    await livingServer(fresh.dataSource, SERVER, 'first');
    const at = async (sendAt: number | null, doNotStartAfter: number | null): Promise<string> => {
      const moment = (ms: number | null): Date | null => (ms === null ? null : new Date(Date.now() + ms));
      const terms = {
        idempotencyKey: null,
        sendAt: moment(sendAt),
        doNotStartAfter: moment(doNotStartAfter),
        batchSize: null,
      };
      const id = (await persister.createMailing(INFO, SERVER, 'list', terms)) as string;
      await persister.finishList(id, 'list', 0);
      return id;
    };
    const [early, due, over] = [await at(600_000, null), await at(-1_000, 600_000), await at(null, -1_000)];
    expect((await claims.unfinished(SERVER)).map(({ mailingId }) => mailingId)).toEqual([due]);
    expect(await claims.claim(early, SERVER, 'first#1')).toBeNull();
    expect(await claims.claim(over, SERVER, 'first#2')).toBeNull();
    expect(await claims.claim(due, SERVER, 'first#3')).toMatchObject({ mailingId: due });
    expect(await claims.noteOverdue({ uniqServerId: SERVER })).toBe(1);
    expect(await claims.noteOverdue({ uniqServerId: SERVER })).toBe(0);
    await new CommandPersister(database, noFaultPoints).resume(over, null);
    expect(await claims.claim(over, SERVER, 'first#4')).toMatchObject({ mailingId: over });
  });

  it('drops duplicates in a list, within a chunk and between two', async () => {
    const mailingId = await written([
      'ann@home.example',
      'bob@home.example',
      'ann@home.example',
      'no address',
    ]);
    expect(await mailing(mailingId)).toMatchObject({ numProfiles: 3, numSkipped: 1, status: 'pending' });
    const persister = new TemplateEmailPersister(database);
    const list = (await persister.createMailing(INFO, SERVER, 'list')) as string;
    const chunk = (first: number, ...ids: string[]) =>
      persister.writeChunk(
        list,
        'list',
        ids.map((userId, n) => ({ ...toListedRecipient({ userId }, true), idx: first + n })),
      );
    expect(await chunk(0, 'aB', 'Ab', 'aB')).toEqual({ numWritten: 2, numRefused: 0 });
    expect(await chunk(3, 'Ab', 'ab', 'cd')).toEqual({ numWritten: 2, numRefused: 0 });
    expect(await chunk(6, 'cd ', 'cd', ' cd')).toEqual({ numWritten: 2, numRefused: 0 });
    expect(await persister.writeChunk(list, 'other', [])).toBeNull();
  });

  it('creates one mailing for a key, also for concurrent callers', async () => {
    const terms = { idempotencyKey: 'once', sendAt: null, doNotStartAfter: null, batchSize: null };
    const ids = await Promise.all(
      [database, other, database, other].map((one) =>
        new TemplateEmailPersister(one).createMailing(
          { ...INFO, trackingData: { a: 'b' } },
          SERVER,
          'list',
          terms,
        ),
      ),
    );
    expect(ids.filter((id) => id !== null)).toHaveLength(1);
    const known = await new MailingReader(other).findByKey('once');
    expect(ids).toContain(known?.mailingId);
    expect(await new TemplateEmailPersister(other).createMailing(INFO, SERVER, 'list', terms)).toBeNull();
  });

  it('reads a mailing back as it was written', async () => {
    const info = {
      ...INFO,
      name: 'Spring 🌻',
      sendAsText: false,
      params: { nested: [1, { deep: null, text: 'ü\u0000' }] },
      headers: { 'X-Shop': '读者' },
      locale: 'de-CH',
    };
    const persister = new TemplateEmailPersister(database);
    const mailingId = (await persister.createMailing(info, SERVER, 'list')) as string;
    expect((await persister.readMailing(mailingId))?.info).toMatchObject({ ...info, sendAsHtml: true });
  });

  it('keeps two sessions apart, so that a rollback undoes nothing of others', async () => {
    const [ours, theirs] = [await written(readers(1)), await written(readers(1))];
    const rename = `UPDATE ${database.tables.mailing} SET name = ? WHERE id = ?`;
    const nameOf = async (store: MailingDatabase): Promise<unknown> => {
      const sql = `SELECT name FROM ${store.tables.mailing} WHERE id = ?`;
      return (await store.rows<{ name: string | null }>(sql, [ours]))[0].name;
    };
    let stranger: Promise<number> = Promise.resolve(0);
    let seen: unknown = 'nothing';
    const cut = database.transaction(async (session) => {
      await session.change(rename, ['half done', ours]);
      stranger = other.change(rename, ['theirs', theirs]);
      // On SQLite the other session waits for the end of this one.
      if (kind !== 'sqlite') await stranger;
      seen = kind === 'sqlite' ? null : await nameOf(other);
      throw new Error('cut');
    });
    await expect(cut).rejects.toThrow('cut');
    expect([await stranger, seen]).toEqual([1, null]);
    expect([(await mailing(ours)).name, (await mailing(theirs)).name]).toEqual([null, 'theirs']);
  });

  it('D7 repeats a transaction as a whole after a deadlock', async () => {
    const ids = [await written(readers(1)), await written(readers(1))];
    const commit = (id: string, session: { change: MailingDatabase['change'] }): Promise<number> =>
      session.change(`UPDATE ${database.tables.mailing} SET commit_seq = commit_seq + 1 WHERE id = ?`, [id]);
    const before = await Promise.all(ids.map(async (id) => (await mailing(id)).commitSeq));
    let both = (): void => undefined;
    const bothHoldOne = new Promise<void>((resolve) => (both = resolve));
    let attempts = 0;
    const crossing = (store: MailingDatabase, [first, second]: string[]): Promise<number> =>
      store.transaction(async (session) => {
        await commit(first, session);
        if (++attempts === 2) both();
        if (kind !== 'sqlite') await bothHoldOne;
        return commit(second, session);
      });
    const changed = await Promise.all([crossing(database, ids), crossing(other, [ids[1], ids[0]])]);
    expect(changed).toEqual([1, 1]);
    // SQLite has no deadlocks, because it runs one transaction at a time.
    expect(attempts).toBeGreaterThan(kind === 'sqlite' ? 1 : 2);
    expect(await Promise.all(ids.map(async (id) => (await mailing(id)).commitSeq))).toEqual(
      before.map((n) => n + 2),
    );
  });

  it('stores any answer of a mail server, and keeps counters and rows consistent through commands', async () => {
    const mailingId = await written(readers(4));
    const claim = await claimed(mailingId);
    const ledger = new MailingLedger(database, claim);
    await ledger.commit({ ...quiet, capacity: 4 });
    const odd = `no\0such 🌻 user \ud83d ${'x'.repeat(2_000)}`;
    const outcomes: Commit['outcomes'] = [
      { idx: 0, status: 'sent', code: null, text: null },
      { idx: 1, status: 'error', code: `550${'0'.repeat(100)}`, text: odd },
      { idx: 2, status: 'skipped', code: 'policy', text: null },
      { idx: 3, status: 'in_doubt', code: null, text: odd },
    ];
    expect(await ledger.commit({ ...quiet, outcomes, capacity: 1 })).toMatchObject({ kind: 'ended' });
    const page = { status: null, afterIdx: -1, limit: 9 };
    const rows = await new MailingReader(other).recipients(mailingId, page);
    expect(rows.map(({ status, attempts }) => [status, attempts])).toEqual([
      ['sent', 1],
      ['error', 1],
      ['skipped', 0],
      ['in_doubt', 1],
    ]);
    expect([rows[1].errorCode?.length, rows[1].errorText?.length]).toEqual([64, 1000]);
    for (const { settledAt } of rows) expect(Math.abs(Number(settledAt) - Date.now())).toBeLessThan(60_000);
    const commands = new CommandPersister(other, noFaultPoints);
    expect(await commands.settleInDoubt(mailingId, 'sent')).toBe(1);
    expect(await commands.retry(mailingId, 'error')).toBe(1);
    expect(await mailing(mailingId)).toMatchObject({
      status: 'pending',
      numSent: 2,
      numErrors: 0,
      numSkipped: 1,
      endTime: null,
    });
    const again = new MailingLedger(
      other,
      (await new MailingClaims(other).claim(mailingId, SERVER, `${claim.claimToken}2`)) as HeldClaim,
    );
    expect(await again.commit({ ...quiet, capacity: 1 })).toMatchObject({
      marked: [{ idx: 1, attempts: 0 }],
    });
  });

  it('checks its tables, and reports which one is missing or lacks a column', async () => {
    await expect(checkSchema(fresh.dataSource, database)).resolves.toBeUndefined();
    await fresh.dataSource.query('ALTER TABLE dps_mail_server DROP COLUMN hostname');
    const lacking = checkSchema(fresh.dataSource, database);
    await expect(lacking).rejects.toThrow(MailingMigrationsMissingError);
    await expect(lacking).rejects.toMatchObject({ table: 'dps_mail_server' });
    await fresh.dataSource.query('DROP TABLE dps_mail_server');
    await expect(checkSchema(fresh.dataSource, database)).rejects.toMatchObject({ table: 'dps_mail_server' });
  });

  it('reports no setting that would lose commits in a power failure', async () => {
    expect(await findWeakSettings(database)).toEqual([]);
  });
});

onDatabase('postgres', 'a PostgreSQL with synchronous_commit off', () => {
  it('is reported as a weak setting', async () => {
    await using fresh = await freshDatabase('postgres', {
      migrate: false,
      dataSource: { extra: { options: '-c synchronous_commit=off' } },
    });
    expect(await findWeakSettings(new MailingDatabase(fresh.dataSource))).toEqual([
      { setting: 'synchronous_commit', value: 'off', expected: 'on' },
    ]);
  });
});
