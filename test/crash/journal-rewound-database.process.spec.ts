import { afterEach, beforeEach, expect, it } from 'vitest';
import { MailingDatabase } from '../../libs/mailing/src/store/database/mailing.database.js';
import { readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { journalFolder } from '../support/hosts/journal-folder.js';
import { MailingSnapshots } from '../support/databases/mailing-snapshots.js';
import { NewsletterService } from '../support/hosts/newsletter-service.js';
import { readerAddresses } from '../support/hosts/reader-list.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { assertPromiseKept } from './processes/promise.js';

const COUNT = 300;

forEachDatabase('a process that is killed together with a database that loses commits', (kind) => {
  let database: FreshDatabase;
  let inbox: SmtpInbox;
  let journals: Awaited<ReturnType<typeof journalFolder>>;
  const services: NewsletterService[] = [];

  beforeEach(async () => {
    database = await freshDatabase(kind);
    inbox = await SmtpInbox.start({ keepRaw: 0 });
    journals = await journalFolder();
  });

  afterEach(async () => {
    await Promise.all(services.splice(0).map((service) => service.kill()));
    await inbox.close();
    await database.dispose();
    await journals[Symbol.asyncDispose]();
  });

  async function start(): Promise<NewsletterService> {
    const env = { MAILING_JOURNAL_DIR: journals.path };
    const service = await NewsletterService.start({ databaseUrl: database.url, smtpUrl: inbox.url, env });
    services.push(service);
    return service;
  }

  it('leaves a journal: recipients in it get no second message, and one commit may be in doubt', async () => {
    const service = await start();
    const mailingId = await service.send(COUNT);
    const snapshots = await MailingSnapshots.of(new MailingDatabase(database.dataSource), mailingId, [
      'snap_old',
    ]);
    await inbox.waitFor(60);
    await snapshots.take('snap_old');
    await inbox.waitFor(180);
    await service.kill();
    await snapshots.put('snap_old');
    const received = inbox.messages.length;
    const next = await start();
    await next.completed(mailingId);
    const progress = await readProgress(database.dataSource, mailingId);
    assertPromiseKept({ progress, inbox, recipients: readerAddresses(COUNT), crashes: 1 });
    expect(received).toBeLessThan(COUNT);
  }, 90_000);
});
