import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toListedRecipient } from '../../libs/mailing/src/model/listed-recipient.js';
import { MailingClaims } from '../../libs/mailing/src/store/mailing-claims.js';
import { MailingDatabase, type Session } from '../../libs/mailing/src/store/mailing.database.js';
import { MailingLedger } from '../../libs/mailing/src/store/mailing.ledger.js';
import { TemplateEmailPersister } from '../../libs/mailing/src/store/template-email.persister.js';
import { type FreshDatabase, freshDatabase } from '../support/fresh-database.js';

const SERVER = 'test:1';
const INFO = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };
/** Enough that a scan of the list would be told apart from a range of it. */
const RECIPIENTS = 20_000;
const MARKED = 50;

interface Plan {
  sql: string;
  key: string | null;
  rows: number;
  extra: string;
}

/** Lets every statement run and asks the server, just before, how it is going to. */
class ExplainingDatabase extends MailingDatabase {
  readonly plans: Plan[] = [];

  override transaction<T>(steps: (session: Session) => Promise<T>): Promise<T> {
    return super.transaction((session) => {
      const explain = async (sql: string, parameters?: unknown[]): Promise<void> => {
        const [row] = await session.rows<Record<string, unknown>>(`EXPLAIN ${sql}`, parameters);
        const key = (row.key as string | null) ?? null;
        this.plans.push({ sql, key, rows: Number(row.rows ?? 0), extra: String(row.Extra) });
      };
      return steps({
        ...session,
        rows: async (sql, parameters) => (await explain(sql, parameters), session.rows(sql, parameters)),
        change: async (sql, parameters) => (await explain(sql, parameters), session.change(sql, parameters)),
      });
    });
  }
}

describe('the plans of the statements of a run (mariadb)', () => {
  let fresh: FreshDatabase;
  let mailingId: string;

  beforeAll(async () => {
    fresh = await freshDatabase('mariadb');
    const persister = new TemplateEmailPersister(new MailingDatabase(fresh.dataSource));
    mailingId = (await persister.createMailing(INFO, SERVER, 'list')) as string;
    for (let first = 0; first < RECIPIENTS; first += 1_000) {
      const chunk = Array.from({ length: 1_000 }, (_, n) => ({
        ...toListedRecipient(`reader${first + n}@home.example`, true),
        idx: first + n,
      }));
      await persister.writeChunk(mailingId, 'list', chunk);
    }
    await persister.finishList(mailingId, 'list', RECIPIENTS);
    await fresh.dataSource.query('ANALYZE TABLE dps_mailing, dps_email_address, dps_user_mailing');
  });

  afterAll(() => fresh.dispose());

  it('go by a primary key, touch what they change and not the list, and never sort', async () => {
    const database = new ExplainingDatabase(fresh.dataSource);
    const claims = new MailingClaims(database);
    const claim = await claims.claim(mailingId, SERVER, 'run#1');
    if (!claim) throw new Error('The mailing could not be claimed.');
    const ledger = new MailingLedger(database, claim);
    const quiet = { outcomes: [], deferred: [], returned: [], free: 0, remaining: MARKED, release: null };
    await ledger.beat({ ...quiet, free: MARKED });
    const outcomes = [
      { idx: 0, status: 'sent', code: null, text: null } as const,
      { idx: 1, status: 'error', code: '550', text: 'no such user' } as const,
    ];
    await ledger.beat({ ...quiet, outcomes, returned: [2, 3], free: MARKED });
    await claims.recover(mailingId, SERVER, 'run#1', 'run#2', false);

    expect(database.plans.length).toBeGreaterThan(15);
    // A table without a row of this mailing needs no key: "impossible where", "no matching row".
    const onRows = database.plans.filter(({ extra }) => !/impossible|no matching/i.test(extra));
    expect(onRows.length).toBeGreaterThan(10);
    for (const { sql, key, rows, extra } of onRows) {
      // A range that ends by its LIMIT is estimated without it; it must at least be in the order of the key.
      const most = sql.includes('LIMIT') ? RECIPIENTS * 2 : 4 * MARKED;
      expect({ sql, key, few: rows <= most, sorts: /filesort|temporary/i.test(extra) }).toEqual({
        sql,
        key: sql.includes('next_attempt_at <=') ? 'idx_dps_mail_deferred_due' : 'PRIMARY',
        few: true,
        sorts: false,
      });
    }
  });
});
