import { expect, it } from 'vitest';
import { toListedRecipient } from '../../libs/mailing/src/model/mail/listed-recipient.js';
import { MailingDatabase } from '../../libs/mailing/src/store/database/mailing.database.js';
import { SlotPersister } from '../../libs/mailing/src/store/intake/slot.persister.js';
import { TemplateEmailPersister } from '../../libs/mailing/src/store/intake/template-email.persister.js';
import { INNODB_KINDS } from '../support/databases/database-kinds.js';
import { ExplainingDatabase } from '../support/databases/explaining-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';

const INFO = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };
const CHUNK = 2_000;

const CHUNKS = 15;

/** Writes a list and slot contents, and last a chunk of each with ten duplicates by way of `database`. */
async function writeWithDuplicates(fresh: FreshDatabase, database: MailingDatabase): Promise<void> {
  const plain = new MailingDatabase(fresh.dataSource);
  const mailingId = (await new TemplateEmailPersister(plain).createMailing(INFO, 'test:1', 'list')) as string;
  const write = async (by: MailingDatabase, first: number, numDuplicates: number): Promise<void> => {
    const rows = Array.from({ length: CHUNK }, (_, n) => {
      const who = n < CHUNK - numDuplicates ? first + n : n;
      const entry = n % 2 === 0 ? `reader${who}@home.example` : { userId: `c${who}` };
      return { ...toListedRecipient(entry, true), idx: first + n };
    });
    const written = await new TemplateEmailPersister(by).writeChunk(mailingId, 'list', rows);
    expect(written).toEqual({ numWritten: CHUNK - numDuplicates, numRefused: 0 });
    const userOf = (n: number): number => (n < CHUNK - numDuplicates ? first + n : n);
    const content = rows.map((_, n) => ({ userId: `c${userOf(n)}`, slot: 'a', json: '{"is":1}' }));
    await new SlotPersister(by).writeChunk(mailingId, 'list', content);
  };
  for (let n = 0; n < CHUNKS; n++) await write(plain, n * CHUNK, 0);
  await write(database, CHUNKS * CHUNK, 10);
}

it.each(INNODB_KINDS)('duplicates in a list are looked up by their keys (%s)', async (kind) => {
  await using fresh = await freshDatabase(kind);
  const database = new ExplainingDatabase(fresh.dataSource);
  await writeWithDuplicates(fresh, database);
  const looks = database.plans.filter(({ sql }) => /SELECT (idx|address_key|user_id)/.test(sql));
  const keys = new Set(looks.map(({ key }) => key));
  expect(keys).toEqual(new Set(['PRIMARY', 'uq_dps_email_address_key', 'uq_dps_user_mailing_user']));
  // As many rows as keys, and not the whole list of the mailing.
  for (const { rows } of looks) expect(rows).toBeLessThanOrEqual(CHUNK);
});
