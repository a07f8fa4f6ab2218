import { fileURLToPath } from 'node:url';
import { MailBatch, MailServer } from 'nestjs-mailing';
import { afterEach, beforeEach } from 'vitest';
import { assertBatchesAddUp } from '../../support/databases/batch-progress.js';
import { readProgress } from '../../support/databases/stored-progress.js';
import type { DatabaseKind } from '../../support/databases/database-kinds.js';
import { type FreshDatabase, freshDatabase } from '../../support/databases/fresh-database.js';
import { NewsletterService } from '../../support/hosts/newsletter-service.js';
import { readerAddresses } from '../../support/hosts/reader-list.js';
import { SmtpInbox } from '../../support/network/smtp-inbox.js';
import type { SmtpHook } from '../../support/network/smtp-step.js';
import { waitUntil } from '../../support/wait-until.js';
import { assertPromiseKept, type Facts } from './promise.js';

export const MAIL_SERVER = fileURLToPath(new URL('mail-server.process.mjs', import.meta.url));
/** Batches that one server works on at a time, and so the slices that its death leaves. */
export const BATCH_THREADS = 2;

export interface MailServerOptions {
  takesBatches?: boolean;
  /** Default: the URL of the test's database. */
  databaseUrl?: string;
  env?: Record<string, string>;
}

/** Several servers, one database and one mail server, made anew for each test of a block. */
export class MailServers {
  database: FreshDatabase;
  inbox: SmtpInbox;
  private services: NewsletterService[] = [];

  /** Call it inside `describe`. */
  static forEachTest(kind: DatabaseKind, answer?: SmtpHook): MailServers {
    const servers = new MailServers();
    beforeEach(async () => {
      servers.services = [];
      servers.database = await freshDatabase(kind);
      servers.inbox = await SmtpInbox.start({ keepRaw: 0, answer });
    });
    afterEach(async () => {
      await Promise.all(servers.services.map((service) => service.kill()));
      await servers.inbox.close();
      await servers.database.dispose();
    });
    return servers;
  }

  async start(serverId: string, options: MailServerOptions = {}): Promise<NewsletterService> {
    const { takesBatches = true, databaseUrl = this.database.url, env = {} } = options;
    const service = NewsletterService.launch({
      databaseUrl,
      smtpUrl: this.inbox.url,
      serverId,
      main: MAIL_SERVER,
      env: {
        MAILING_HEARTBEAT_INTERVAL_MS: '200',
        MAILING_LEASE_MS: '1500',
        MAILING_IDLE_TRANSACTION_TIMEOUT_MS: '1000',
        TAKES_BATCHES: takesBatches ? 'yes' : '',
        BATCH_THREADS: String(BATCH_THREADS),
        BATCH_SIZE: '20',
        ...env,
      },
    });
    this.services.push(service);
    await service.listening();
    return service;
  }

  claimed(): Promise<MailBatch[]> {
    return this.database.dataSource.getRepository(MailBatch).findBy({ status: 'claimed' });
  }

  /** Resolves after so many more lease renewals of this server. */
  async heartbeats(uniqServerId: string, count: number): Promise<void> {
    const servers = this.database.dataSource.getRepository(MailServer);
    const last = async (): Promise<number> =>
      (await servers.findOneBy({ uniqServerId }))?.lastUpdated.getTime() ?? 0;
    let before = await last();
    for (let n = 0; n < count; n++) {
      before = await waitUntil(
        async () => {
          const now = await last();
          return now > before ? now : null;
        },
        { what: `a heartbeat of ${uniqServerId}` },
      );
    }
  }

  /**
   * @param slices that crashes left. @throws Error naming everything that is wrong with a completed mailing.
   */
  async judge(
    mailingId: string,
    recipients: number,
    slices: number,
    inbox: Pick<SmtpInbox, 'countsByRecipient'> = this.inbox,
  ): Promise<Facts> {
    const { dataSource } = this.database;
    const progress = await readProgress(dataSource, mailingId);
    await assertBatchesAddUp(dataSource, mailingId);
    return assertPromiseKept({ progress, inbox, recipients: readerAddresses(recipients), crashes: slices });
  }
}
