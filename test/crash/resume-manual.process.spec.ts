import { setTimeout as delay } from 'node:timers/promises';
import { MailServer } from 'nestjs-mailing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { NewsletterService, type ServiceOptions } from '../support/hosts/newsletter-service.js';
import { readerAddresses } from '../support/hosts/reader-list.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { waitUntil } from '../support/wait-until.js';
import { assertPromiseKept } from './processes/promise.js';

const RECIPIENTS = 200;
/** Slow enough for a kill in the middle of the mailing. */
const ANSWER_MS = 5;

forEachDatabase('a copied database with the same server id', (kind) => {
  let database: FreshDatabase;
  let inbox: SmtpInbox;
  let services: NewsletterService[];

  beforeEach(async () => {
    services = [];
    database = await freshDatabase(kind);
    inbox = await SmtpInbox.start({
      keepRaw: 0,
      answer: async ({ command }) => void (command === 'END' && (await delay(ANSWER_MS))),
    });
  });
  afterEach(async () => {
    await Promise.all(services.map((service) => service.kill()));
    await inbox.close();
    await database.dispose();
  });

  const start = async (options: Partial<ServiceOptions> = {}): Promise<NewsletterService> => {
    const service = await NewsletterService.start({
      databaseUrl: database.url,
      smtpUrl: inbox.url,
      ...options,
    });
    services.push(service);
    return service;
  };
  const startManual = (): Promise<NewsletterService> =>
    start({
      env: { MAILING_RESUME: 'manual', MAILING_TAKES_BATCHES: 'true', MAILING_HEARTBEAT_INTERVAL_MS: '50' },
    });
  /** The number of lease renewals of the server, and so of its looks for work. */
  const heartbeats = async (count: number): Promise<void> => {
    const seen = new Set<number>();
    const look = async (): Promise<boolean> => {
      const [server] = await database.dataSource.getRepository(MailServer).find();
      if (server) seen.add(server.lastUpdated.getTime());
      return seen.size > count;
    };
    await waitUntil(look, { what: `${count} heartbeats` });
  };

  it('with resume manual, after kills, sends to no recipient before resume() and to each once after it', async () => {
    const first = await start();
    const mailingId = await first.send(RECIPIENTS);
    await inbox.waitFor(60);
    await first.kill();
    const connections = inbox.connections.total;
    const received = inbox.messages.length;

    for (const death of ['kill', 'stop'] as const) {
      const service = await startManual();
      expect(await service.reported('server:resume-awaited')).toMatchObject({
        uniqServerId: 'test:1',
        numMailings: 1,
      });
      await heartbeats(8);
      const { isHealthy, server, findings } = await service.health();
      expect([isHealthy, server.isWaitingForResume]).toEqual([false, true]);
      expect(findings).toMatchObject([{ code: 'resume_awaited', mailingIds: [mailingId] }]);
      await service[death]();
    }
    expect([inbox.connections.total, inbox.messages.length]).toEqual([connections, received]);

    const last = await startManual();
    await last.reported('server:resume-awaited');
    expect(await last.resume()).toMatchObject({ status: 200, answer: { resumed: [mailingId], batched: [] } });
    await last.completed(mailingId);
    const progress = await readProgress(database.dataSource, mailingId);
    assertPromiseKept({ progress, inbox, recipients: readerAddresses(RECIPIENTS), crashes: 1 });
    expect((await last.health()).isHealthy).toBe(true);
  });
});
