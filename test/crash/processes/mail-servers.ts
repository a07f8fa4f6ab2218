import { MailBatch, MailServer } from 'nestjs-mailing';
import { builtProgram } from '../../support/hosts/built-program.js';
import { assertBatchesAddUp } from '../../support/databases/batch-progress.js';
import { readProgress } from '../../support/databases/stored-progress.js';
import type { DatabaseKind } from '../../support/databases/database-kinds.js';
import type { NewsletterService } from '../../support/hosts/newsletter-service.js';
import { readerAddresses } from '../../support/hosts/reader-list.js';
import type { SmtpInbox } from '../../support/network/smtp-inbox.js';
import type { SmtpHook } from '../../support/network/smtp-step.js';
import { waitUntil } from '../../support/wait-until.js';
import { assertPromiseKept, type Facts } from './promise.js';
import { ServiceRig } from './service-rig.js';

export const MAIL_SERVER = builtProgram('mail-server.process');
/** Batches that one server works on at a time, and so the slices that its death leaves. */
export const BATCH_THREADS = 2;

export interface MailServerOptions {
  takesBatches?: boolean;
  /** Default: the URL of the test's database. */
  databaseUrl?: string;
  env?: Record<string, string>;
}

/** Several servers that share mailings in batches. */
export class MailServers extends ServiceRig {
  /** Call it inside `describe`. */
  static override forEachTest(kind: DatabaseKind, answer?: SmtpHook): MailServers {
    const servers = new MailServers();
    servers.prepare(kind, answer);
    return servers;
  }

  startServer(serverId: string, options: MailServerOptions = {}): Promise<NewsletterService> {
    const { takesBatches = true, databaseUrl = this.database.url, env = {} } = options;
    return this.start({
      databaseUrl,
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
