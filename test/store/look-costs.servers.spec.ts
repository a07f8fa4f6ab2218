import { afterAll, beforeAll, expect, it } from 'vitest';
import { MailingDatabase } from '../../libs/mailing/src/store/database/mailing.database.js';
import { findFreeBatches } from '../../libs/mailing/src/store/claims/find-free-batches.js';
import { readNext } from '../../libs/mailing/src/store/recipients/read-next.js';
import { TemplateEmailPersister } from '../../libs/mailing/src/store/intake/template-email.persister.js';
import { forEachServer } from '../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { MeasuringDatabase } from '../support/databases/measuring-database.js';
import { writtenList } from '../support/databases/written-list.js';

const SERVER = 'test:1';
const RECIPIENTS = Number(process.env.MAILING_TEST_PLAN_RECIPIENTS ?? 20_000);
const BATCH = 10;
const LIMITS = [1, 32, 200];

/**
 * Measured by rows read and not by the plan, because MySQL estimates one row wherever an index is forced. A sort would read all.
 */
forEachServer('reads of a long mailing in many batches', (kind) => {
  let fresh: FreshDatabase;
  let database: MeasuringDatabase;
  let mailingId: string;

  beforeAll(async () => {
    fresh = await freshDatabase(kind);
    const persister = new TemplateEmailPersister(new MailingDatabase(fresh.dataSource));
    mailingId = await writtenList(persister, SERVER, RECIPIENTS, BATCH);
    database = new MeasuringDatabase(fresh.dataSource);
  }, 600_000);

  afterAll(() => fresh.dispose());

  /** For each read, the rows that it returned and the rows that it cost. */
  const looks = async (): Promise<{ taken: number; read: number }[]> => {
    const seen: { taken: number; read: number }[] = [];
    const note = (taken: number): void => {
      for (const { rowsRead: read } of database.accesses.splice(0)) seen.push({ taken, read });
    };
    for (const limit of LIMITS) {
      note((await findFreeBatches(database, mailingId, limit)).length);
      for (const fromIdx of [0, RECIPIENTS / 2]) {
        const whole = { mailingId, batch: null };
        const found = await readNext(database, 'emailAddress', whole, fromIdx, limit);
        expect(found.map(({ idx }) => idx)).toEqual(Array.from({ length: limit }, (_, n) => fromIdx + n));
        note(found.length);
      }
    }
    return seen;
  };
  const NO_MORE = LIMITS.flatMap((limit) => Array.from({ length: 3 }, () => ({ taken: limit, read: limit })));

  it('cost no more rows than they return, right after the list was written', async () => {
    expect(await looks()).toEqual(NO_MORE);
  });

  it('cost no more rows than they return, with fresh table statistics', async () => {
    const tables = 'dps_mail_batch, dps_email_address';
    await fresh.dataSource.query(kind === 'postgres' ? `ANALYZE ${tables}` : `ANALYZE TABLE ${tables}`);
    expect(await looks()).toEqual(NO_MORE);
  });

  it('cost no more rows than they return, when most batches are complete', async () => {
    await fresh.dataSource.query(
      `UPDATE dps_mail_batch SET status = 'complete' WHERE start_idx < ${RECIPIENTS - 400 * BATCH}`,
    );
    expect(await looks()).toEqual(NO_MORE);
  });
});
