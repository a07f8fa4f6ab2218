import { expect, it } from 'vitest';
import { MailingClaims } from '../../libs/mailing/src/store/claims/mailing-claims.js';
import { MailingDatabase } from '../../libs/mailing/src/store/database/mailing.database.js';
import { MailingLedger } from '../../libs/mailing/src/store/ledger/mailing.ledger.js';
import { MailingReader } from '../../libs/mailing/src/store/queries/mailing.reader.js';
import { TemplateEmailPersister } from '../../libs/mailing/src/store/intake/template-email.persister.js';
import { forEachInnoDb } from '../support/databases/for-each-database.js';
import { ExplainingDatabase } from '../support/databases/explaining-database.js';
import { freshDatabase } from '../support/databases/fresh-database.js';
import { livingServer } from '../support/databases/living-server.js';
import { writtenList } from '../support/databases/written-list.js';

const SERVER = 'test:1';
const RECIPIENTS = 1_000;
const DAY_MS = 86_400_000;
const RECIPIENT_TABLES = ['dps_email_address', 'dps_user_mailing'];
const QUIET = { outcomes: [], deferred: [], returned: [], capacity: 0, inFlight: RECIPIENTS, release: null };

/** Ids of earlier mailings are smaller, because a UUID version 7 begins with its milliseconds. */
function firstIdOf(moment: number): string {
  const hex = moment.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

/** As in docs/scaling.md, but for a day that began an hour ago, whatever time it is. */
function byDay(table: string): string {
  const start = Date.now() - 3_600_000;
  return `ALTER TABLE ${table} PARTITION BY RANGE COLUMNS (mailing_id) (
    PARTITION past VALUES LESS THAN ('${firstIdOf(start)}'),
    PARTITION today VALUES LESS THAN ('${firstIdOf(start + DAY_MS)}'),
    PARTITION later VALUES LESS THAN (MAXVALUE))`;
}

forEachInnoDb('a recipient table partitioned by day', (kind) => {
  it('is read in the partition of the mailing and no other', async () => {
    await using fresh = await freshDatabase(kind);
    for (const table of RECIPIENT_TABLES) await fresh.dataSource.query(byDay(table));
    const persister = new TemplateEmailPersister(new MailingDatabase(fresh.dataSource));
    const mailingId = await writtenList(persister, SERVER, RECIPIENTS);
    await livingServer(fresh.dataSource, SERVER, 'run');

    const database = new ExplainingDatabase(fresh.dataSource);
    const claims = new MailingClaims(database);
    const claim = await claims.claim(mailingId, SERVER, 'run#1');
    if (!claim) throw new Error('The mailing could not be claimed.');
    const ledger = new MailingLedger(database, claim);
    await ledger.commit({ ...QUIET, capacity: 50 });
    const sent = { idx: 0, status: 'sent', code: null, text: null } as const;
    const refused = { idx: 3, status: 'error', code: '5.1.1', text: 'no such user' } as const;
    const deferred = { idx: 1, delayMs: 0, code: '4.2.0', text: 'greylisted' };
    await ledger.commit({
      ...QUIET,
      outcomes: [sent, refused],
      deferred: [deferred],
      returned: [2],
      capacity: 50,
    });
    await claims.recover(mailingId, SERVER, 'run#1', 'run#2', { resend: false, evidence: null });
    await new MailingReader(database).recipients(mailingId, { status: null, afterIdx: -1, limit: 10 });

    const plans = database.plans.filter(({ partitions }) => partitions !== null);
    expect(plans.length).toBeGreaterThan(8);
    for (const { sql, partitions } of plans)
      expect({ sql, partitions }).toEqual({ sql, partitions: 'today' });
  });
});
