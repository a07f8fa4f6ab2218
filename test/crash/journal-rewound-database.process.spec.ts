import { afterEach, beforeEach, expect, it } from 'vitest';
import { MailingDatabase } from '../../libs/mailing/src/store/database/mailing.database.js';
import { readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { journalFolder } from '../support/hosts/journal-folder.js';
import { MailingSnapshots } from '../support/databases/mailing-snapshots.js';
import { NewsletterService } from '../support/hosts/newsletter-service.js';
import { readerAddresses } from '../support/hosts/reader-list.js';
import { assertPromiseKept } from './processes/promise.js';
import { ServiceRig } from './processes/service-rig.js';

const COUNT = 300;

forEachDatabase('a process that is killed together with a database that loses commits', (kind) => {
  let journals: Awaited<ReturnType<typeof journalFolder>>;

  beforeEach(async () => {
    journals = await journalFolder();
  });
  afterEach(async () => {
    await journals[Symbol.asyncDispose]();
  });
  // Its processes end before the journals are removed.
  const rig = ServiceRig.forEachTest(kind);

  const start = (): Promise<NewsletterService> => rig.start({ env: { MAILING_JOURNAL_DIR: journals.path } });

  it('leaves a journal: recipients in it get no second message, and one commit may be in doubt', async () => {
    const service = await start();
    const mailingId = await service.send(COUNT);
    const snapshots = await MailingSnapshots.of(new MailingDatabase(rig.database.dataSource), mailingId, [
      'snap_old',
    ]);
    await rig.inbox.waitFor(60);
    await snapshots.take('snap_old');
    await rig.inbox.waitFor(180);
    await service.kill();
    await snapshots.put('snap_old');
    const received = rig.inbox.messages.length;
    const next = await start();
    await next.completed(mailingId);
    const progress = await readProgress(rig.database.dataSource, mailingId);
    assertPromiseKept({ progress, inbox: rig.inbox, recipients: readerAddresses(COUNT), crashes: 1 });
    expect(received).toBeLessThan(COUNT);
  }, 90_000);
});
