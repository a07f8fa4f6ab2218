import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Commit } from '../../libs/mailing/src/model/ports/ledger.js';
import { toListedRecipient } from '../../libs/mailing/src/model/mail/listed-recipient.js';
import type { SettledStatus } from '../../libs/mailing/src/model/states/recipient-status.js';
import type { HeldClaim } from '../../libs/mailing/src/store/ledger/held-claim.js';
import { MailingClaims } from '../../libs/mailing/src/store/claims/mailing-claims.js';
import { MailingDatabase } from '../../libs/mailing/src/store/database/mailing.database.js';
import { MailingLedger } from '../../libs/mailing/src/store/ledger/mailing.ledger.js';
import { MailingReader } from '../../libs/mailing/src/store/queries/mailing.reader.js';
import { TemplateEmailBatchPersister } from '../../libs/mailing/src/store/claims/template-email-batch.persister.js';
import { TemplateEmailPersister } from '../../libs/mailing/src/store/intake/template-email.persister.js';
import { seededRandom } from '../../src/demo/seeded-random.js';
import { assertBatchesAddUp } from '../support/databases/batch-progress.js';
import { assertProgressAddsUp, readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { livingServer } from '../support/databases/living-server.js';

const SERVER = 'test:1';
const INFO = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };
const ENTRIES = 90;
/** Recipients of one batch. */
const BATCH = 30;
const TERMS = { idempotencyKey: null, sendAt: null, doNotStartAfter: null };
const MAX_COMMITS = 2_000;
const ENDS: SettledStatus[] = ['sent', 'sent', 'sent', 'error', 'skipped', 'in_doubt'];
const WHY = { code: '4.2.0', text: 'greylisted' };

interface Death {
  token: string;
  resend: boolean;
}

/**
 * The simplest model of a list: each recipient is in one state. The tables say the same with a few numbers and one write for most
 * rows, and both must always agree.
 */
forEachDatabase('the stored progress, compared with a simple model', (kind) => {
  let fresh: FreshDatabase;
  let database: MailingDatabase;

  beforeEach(async () => {
    fresh = await freshDatabase(kind);
    database = new MailingDatabase(fresh.dataSource);
  });

  afterEach(() => fresh.dispose());

  /** Plain addresses and profiles in turn; every seventh entry is a duplicate, and leaves a gap. */
  const written = async (batchSize: number | null): Promise<string> => {
    const persister = new TemplateEmailPersister(database);
    const mailingId = String(await persister.createMailing(INFO, SERVER, 'list', { ...TERMS, batchSize }));
    const rows = Array.from({ length: ENTRIES }, (_, idx) => {
      const who = idx % 7 === 6 ? idx - 2 : idx;
      const entry = who % 2 === 0 ? `reader${who}@home.example` : { userId: `c${who}` };
      return { ...toListedRecipient(entry, true), idx };
    });
    const chunk = await persister.writeChunk(mailingId, 'list', rows);
    const cut = batchSize === null ? null : { batchSize, fromIdx: 0, toIdx: ENTRIES };
    await persister.finishList(mailingId, 'list', chunk!.numWritten, cut);
    return mailingId;
  };

  /** The claim of the mailing, or of its second batch, after the death of its holder or for the first time. */
  const taken = async (
    mailingId: string,
    isBatch: boolean,
    token: string,
    death: Death | null,
  ): Promise<HeldClaim> => {
    await livingServer(fresh.dataSource, SERVER, token.split('#')[0]);
    const [claims, batches] = [new MailingClaims(database), new TemplateEmailBatchPersister(database)];
    const how = { resend: death?.resend === true, evidence: null };
    const take = async (): Promise<HeldClaim | null> => {
      if (!death) {
        const batch = { mailingId, startIdx: BATCH };
        return isBatch ? batches.claim(batch, SERVER, token) : claims.claim(mailingId, SERVER, token);
      }
      if (!isBatch) return claims.recover(mailingId, SERVER, death.token, token, how);
      const [dead] = await batches.claimedByDead(SERVER);
      return batches.recover(dead, SERVER, token, how);
    };
    const claim = await take();
    if (!claim) throw new Error('It could not be claimed.');
    return claim;
  };

  it.each([
    ['a mailing', 1],
    ['a mailing', 2],
    ['a batch', 3],
    ['a batch', 4],
  ] as const)(
    'has the same state of each recipient after each step of %s, deaths included (seed %d)',
    async (what, seed) => {
      const isBatch = what === 'a batch';
      const random = seededRandom(seed);
      const roll = (below: number): number => Math.floor(random() * below);
      const mailingId = await written(isBatch ? BATCH : null);
      const { recipients } = await readProgress(fresh.dataSource, mailingId);
      const model = new Map<number, string>(recipients.map(({ idx }) => [idx, 'pending']));
      const isMine = (idx: number): boolean => !isBatch || (idx >= BATCH && idx < 2 * BATCH);
      const wasDeferred = new Set<number>();
      const those = (status: string): number[] =>
        [...model].filter(([idx, is]) => is === status && isMine(idx)).map(([idx]) => idx);
      let lives = 0;
      let token = 'life0#1';
      let ledger = new MailingLedger(database, await taken(mailingId, isBatch, token, null));

      const compare = async (): Promise<void> => {
        const page = { status: null, afterIdx: -1, limit: ENTRIES };
        const shown = await new MailingReader(database).recipients(mailingId, page);
        expect(shown.map(({ idx, status }) => [idx, status])).toEqual([...model]);
        const result = await new MailingReader(database).result(mailingId);
        const counted = [result?.numSent, result?.numErrors, result?.numSkipped];
        const failed = those('error').length + those('in_doubt').length;
        expect(counted).toEqual([those('sent').length, failed, those('skipped').length]);
      };
      const die = async (): Promise<void> => {
        const death = { token, resend: random() < 0.5 };
        const open = those('sending');
        token = `life${++lives}#1`;
        const claim = await taken(mailingId, isBatch, token, death);
        expect(claim.inFlight?.numInFlight).toBe(open.length);
        for (const idx of open) {
          model.set(idx, death.resend ? (wasDeferred.has(idx) ? 'deferred' : 'pending') : 'in_doubt');
        }
        ledger = new MailingLedger(database, claim);
      };
      const step = async (): Promise<boolean> => {
        const commit: Commit = {
          outcomes: [],
          deferred: [],
          returned: [],
          capacity: roll(9),
          inFlight: 0,
          release: null,
        };
        for (const idx of those('sending')) {
          const fate = roll(10);
          if (fate < 4)
            commit.outcomes.push({ idx, status: ENDS[roll(ENDS.length)], code: null, text: null });
          else if (fate === 4) commit.deferred.push({ idx, delayMs: 0, ...WHY });
          else if (fate === 5) commit.returned.push(idx);
        }
        for (const { idx, status } of commit.outcomes) model.set(idx, status);
        for (const { idx } of commit.deferred) {
          model.set(idx, 'deferred');
          wasDeferred.add(idx);
        }
        for (const idx of commit.returned) model.set(idx, wasDeferred.has(idx) ? 'deferred' : 'pending');
        commit.inFlight = those('sending').length;
        const answer = await ledger.commit(commit);
        if (answer.kind !== 'continue') return false;
        const waiting = those('pending');
        const firsts = answer.marked.map(({ idx }) => idx).filter((idx) => model.get(idx) === 'pending');
        // No waiting recipient is skipped, and only waiting recipients are begun.
        expect(firsts).toEqual(waiting.slice(0, firsts.length));
        for (const { idx } of answer.marked) {
          expect(['pending', 'deferred']).toContain(model.get(idx));
          model.set(idx, 'sending');
        }
        return true;
      };

      let commits = 0;
      while (await step()) {
        await compare();
        if (roll(12) === 0) {
          await die();
          await compare();
        }
        if (++commits > MAX_COMMITS) throw new Error('The mailing does not end.');
      }
      await compare();
      if (isBatch) await assertBatchesAddUp(fresh.dataSource, mailingId);
      else assertProgressAddsUp(await readProgress(fresh.dataSource, mailingId));
      expect([lives > 0, those('pending'), those('deferred')]).toEqual([true, [], []]);
    },
  );
});
