import { Mailing, type MailingStatus } from 'nestjs-mailing';
import { expect, it } from 'vitest';
import { MailingDatabase } from '../../libs/mailing/src/store/database/mailing.database.js';
import { MailingLedger } from '../../libs/mailing/src/store/ledger/mailing.ledger.js';
import { TemplateEmailBatchPersister } from '../../libs/mailing/src/store/claims/template-email-batch.persister.js';
import { TemplateEmailPersister } from '../../libs/mailing/src/store/intake/template-email.persister.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { freshDatabase } from '../support/databases/fresh-database.js';
import { livingServer } from '../support/databases/living-server.js';
import { writtenList } from '../support/databases/written-list.js';

const SERVER = 'test:1';
const INCARNATION = '01234567-89ab-4def-8123-456789abcdef';
const QUIET = { outcomes: [], deferred: [], returned: [], capacity: 0, inFlight: 0, release: null };
const SEEN = { suspect: 40, failure: 60 };

forEachDatabase('the error guard’s scores, when a batch drains,', (kind) => {
  it.each<[string, MailingStatus, typeof SEEN]>([
    ['are kept if another batch has paused the mailing, which resumes by itself', 'pausing', SEEN],
    ['are 0 if the pause was canceled', 'in_progress', { suspect: 0, failure: 0 }],
  ])('%s', async (_, status, expected) => {
    await using fresh = await freshDatabase(kind);
    const database = new MailingDatabase(fresh.dataSource);
    const mailingId = await writtenList(new TemplateEmailPersister(database), SERVER, 20, 10);
    await livingServer(fresh.dataSource, SERVER, INCARNATION);
    const batches = new TemplateEmailBatchPersister(database);
    const claims = await Promise.all(
      [0, 10].map((startIdx) => batches.claim({ mailingId, startIdx }, SERVER, `${INCARNATION}#${startIdx}`)),
    );
    const ledger = new MailingLedger(database, claims[0]!);
    const guard = { scores: SEEN, sums: SEEN };
    await ledger.commit({ ...QUIET, capacity: 5, inFlight: 5, guard });
    const mailings = fresh.dataSource.getRepository(Mailing);
    await mailings.update(mailingId, { status });
    const release = { kind: 'stop' } as const;
    const returned = [0, 1, 2, 3, 4];
    const end = await ledger.commit({ ...QUIET, returned, release, guard, isDraining: true });
    expect(end).toMatchObject({ kind: 'ended', status: 'pending' });
    const { suspectScore, failureScore } = await mailings.findOneByOrFail({ id: mailingId });
    expect({ suspect: suspectScore, failure: failureScore }).toEqual(expected);
  });
});
