import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MailServer } from 'nestjs-mailing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type StoredProgress, readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { mailingApp } from '../support/hosts/mailing-app.js';
import { NewsletterService, type ServiceOptions } from '../support/hosts/newsletter-service.js';
import { readerAddresses, readerList } from '../support/hosts/reader-list.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { waitUntil } from '../support/wait-until.js';
import { assertPromiseKept, type Facts } from './processes/promise.js';

const WITHOUT_HOOKS = fileURLToPath(new URL('processes/host-without-hooks.process.mjs', import.meta.url));
const RECIPIENTS = 150;
/** An orderly end waits for answers; here they come within this time. */
const ANSWER_MS = 20;

forEachDatabase('the end of a process', (kind) => {
  let database: FreshDatabase;
  let inbox: SmtpInbox;
  let services: NewsletterService[];

  beforeEach(async () => {
    database = await freshDatabase(kind);
    // Slow enough that there are messages in flight at every moment.
    const answer = ({ command }: { command: string }): Promise<void> | undefined =>
      command === 'END' ? delay(ANSWER_MS) : undefined;
    inbox = await SmtpInbox.start({ keepRaw: 0, answer });
    services = [];
  });

  afterEach(async () => {
    await Promise.all(services.map((service) => service.kill()));
    await inbox.close();
    await database.dispose();
  });

  const launch = (options: Partial<ServiceOptions> = {}): NewsletterService => {
    const service = NewsletterService.launch({ databaseUrl: database.url, smtpUrl: inbox.url, ...options });
    services.push(service);
    return service;
  };

  const start = async (options: Partial<ServiceOptions> = {}): Promise<NewsletterService> => {
    const service = launch(options);
    await service.listening();
    return service;
  };

  /** What an orderly end leaves behind: outcomes for all who were begun, nobody's claim, no server. */
  const assertOrderlyEnd = async (mailingId: string, inDoubt = 0): Promise<StoredProgress> => {
    const books = await readProgress(database.dataSource, mailingId);
    expect(books.mailing).toMatchObject({ status: 'pending', claimToken: null });
    expect(books.byStatus.sending ?? 0).toBe(0);
    expect(books.byStatus.in_doubt ?? 0).toBe(inDoubt);
    expect(books.byStatus.sent ?? 0).toBe(books.mailing.numSent);
    expect(await database.dataSource.getRepository(MailServer).count()).toBe(0);
    return books;
  };

  const judge = async (mailingId: string, count: number, crashes: number): Promise<Facts> => {
    const books = await readProgress(database.dataSource, mailingId);
    return assertPromiseKept({ books, inbox, recipients: readerAddresses(count), crashes });
  };

  it('A12 SIGTERM in mid-mailing leaves nobody in doubt, and the next start finishes', async () => {
    const first = await start();
    const mailingId = await first.send(RECIPIENTS);
    await inbox.waitFor(50);
    first.signal('SIGTERM');
    expect(await first.ended()).toBe('SIGTERM');
    const { byStatus } = await assertOrderlyEnd(mailingId);
    expect(byStatus).toEqual({ sent: inbox.messages.length, pending: RECIPIENTS - inbox.messages.length });
    const second = await start();
    await second.completed(mailingId);
    expect(second.countOf('run:recovered')).toBe(0);
    await judge(mailingId, RECIPIENTS, 0);
  });

  it('A12 SIGTERM while a process comes up and resumes leaves nobody in doubt', async () => {
    const first = await start();
    const mailingId = await first.send(RECIPIENTS);
    await inbox.waitFor(20);
    await first.stop();
    const said = (service: NewsletterService, text: string): Promise<unknown> =>
      waitUntil(() => service.output.includes(text), { what: `the line ${text}` });
    const moments: ((service: NewsletterService) => Promise<unknown>)[] = [
      () => Promise.resolve(),
      // Being put together, no hooks yet; then with hooks, before and after the plugin has begun.
      (service) => said(service, 'dependencies initialized'),
      (service) => said(service, 'Mapped {'),
      (service) => service.reported('server:registered'),
      (service) => service.reported('run:started'),
    ];
    for (const moment of moments) {
      const service = launch();
      await moment(service);
      service.signal('SIGTERM');
      expect(await service.ended()).toBe('SIGTERM');
      await assertOrderlyEnd(mailingId);
    }
    await (await start()).completed(mailingId);
    expect(await judge(mailingId, RECIPIENTS, 0)).toMatchObject({ received: RECIPIENTS, inDoubt: 0 });
  });

  it('A12 SIGTERM in a recovery leaves nobody in doubt but those whom the kill before had left', async () => {
    const killed = await start();
    const mailingId = await killed.send(RECIPIENTS);
    await inbox.waitFor(20);
    await killed.kill();
    const service = launch();
    const { numInDoubt } = await service.reported('run:recovered');
    service.signal('SIGTERM');
    expect(await service.ended()).toBe('SIGTERM');
    await assertOrderlyEnd(mailingId, Number(numInDoubt));
    await (await start()).completed(mailingId);
    expect((await judge(mailingId, RECIPIENTS, 1)).inDoubt).toBe(numInDoubt);
  });

  it('A13 a second and a third SIGTERM change nothing', async () => {
    const first = await start();
    const mailingId = await first.send(RECIPIENTS);
    await inbox.waitFor(50);
    first.signal('SIGTERM');
    first.signal('SIGTERM');
    // Once more when it is surely at its end: the answers in flight are all that it waits for.
    const atEnd = inbox.messages.length;
    await waitUntil(() => inbox.messages.length > atEnd || !first.isRunning, { what: 'one more message' });
    first.signal('SIGTERM');
    expect(await first.ended()).toBe('SIGTERM');
    await assertOrderlyEnd(mailingId);
    await (await start()).completed(mailingId);
    expect(await judge(mailingId, RECIPIENTS, 0)).toMatchObject({ received: RECIPIENTS, inDoubt: 0 });
  });

  it('A13 app.close() in mid-mailing, twice at once and once more, ends once', async () => {
    const options = { databaseUrl: database.url, smtpUrl: inbox.url };
    const app = await mailingApp(options);
    const info = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };
    const { mailingId } = await app.sender.sendEmailMessage(info, readerList(RECIPIENTS), { persist: true });
    await inbox.waitFor(50);
    await Promise.all([app.nest.close(), app.nest.close()]);
    const received = inbox.messages.length;
    await app.close();
    await assertOrderlyEnd(mailingId!);
    expect(inbox.messages).toHaveLength(received);

    const next = await mailingApp(options);
    await waitUntil(async () => (await next.query.get(mailingId!))?.status === 'completed', {
      what: 'the mailing to complete',
    });
    await next.close();
    expect(await judge(mailingId!, RECIPIENTS, 0)).toMatchObject({ received: RECIPIENTS, inDoubt: 0 });
  });

  it('A13 without shutdown hooks SIGTERM is a crash like any other', async () => {
    const first = await start({ main: WITHOUT_HOOKS });
    const mailingId = await first.send(RECIPIENTS);
    await inbox.waitFor(50);
    first.signal('SIGTERM');
    expect(await first.ended()).toBe('SIGTERM');
    const second = await start();
    const { numInDoubt } = await second.reported('run:recovered');
    await second.completed(mailingId);
    expect((await judge(mailingId, RECIPIENTS, 1)).inDoubt).toBe(numInDoubt);
  });
});
