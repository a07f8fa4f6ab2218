import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { readProgress } from '../support/databases/stored-progress.js';
import { forEachServer } from '../support/databases/for-each-database.js';
import { freshDatabase } from '../support/databases/fresh-database.js';
import { NewsletterService } from '../support/hosts/newsletter-service.js';
import { readerAddresses } from '../support/hosts/reader-list.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { suspend } from '../support/suspended-process.js';
import { waitUntil } from '../support/wait-until.js';
import { assertPromiseKept } from './processes/promise.js';

const RECIPIENTS = 3_000;
const SHORT_LEASE = { MAILING_HEARTBEAT_INTERVAL_MS: '200', MAILING_LEASE_MS: '1000' };

const INNODB = `SELECT 1 FROM information_schema.INNODB_TRX t JOIN information_schema.PROCESSLIST p
              ON p.ID = t.trx_mysql_thread_id WHERE t.trx_rows_modified > 0 AND p.DB = DATABASE()`;
/** Whether a session of this database has an open transaction with changes. */
const IN_TRANSACTION = {
  mariadb: INNODB,
  mysql: INNODB,
  postgres: `SELECT 1 FROM pg_stat_activity
              WHERE datname = current_database() AND state = 'idle in transaction' AND backend_xid IS NOT NULL`,
};

forEachServer('a claim holder that is stopped in a transaction', (kind) => {
  it('F2 A8 delays its mailing no longer than the database allows, and writes nothing when it wakes up', async () => {
    const database = await freshDatabase(kind);
    const inbox = await SmtpInbox.start({ keepRaw: 0 });
    const parts = { databaseUrl: database.url, smtpUrl: inbox.url };
    const env = { ...SHORT_LEASE, MAILING_IDLE_TRANSACTION_TIMEOUT_MS: '1000' };
    const owner = await NewsletterService.start({ ...parts, serverId: 'old:1', env });
    const services = [owner];
    try {
      const mailingId = await owner.send(RECIPIENTS);
      await inbox.waitFor(50);
      const isInTransaction = async (): Promise<boolean> => {
        await suspend(owner.pid);
        // A statement under way has to end, and the server renews its list of transactions every 100 ms.
        await delay(150);
        if ((await database.dataSource.query<unknown[]>(IN_TRANSACTION[kind])).length > 0) return true;
        owner.signal('SIGCONT');
        return false;
      };
      await waitUntil(isInTransaction, { what: 'a stop inside a transaction' });

      const heir = await NewsletterService.start({
        ...parts,
        serverId: 'new:2',
        env: { ...env, MAILING_MIGRATION_LIST: 'old:1' },
      });
      services.push(heir);
      await heir.reported('mailing:adopted', 20_000);
      owner.signal('SIGCONT');
      await owner.reported('run:fenced');
      await heir.completed(mailingId, 60_000);
      const progress = await readProgress(database.dataSource, mailingId);
      assertPromiseKept({ progress, inbox, recipients: readerAddresses(RECIPIENTS), crashes: 1 });
      expect(progress.mailing.uniqServerId).toBe('new:2');
    } finally {
      await Promise.all(services.map((service) => service.kill()));
      await inbox.close();
      await database.dispose();
    }
  }, 120_000);
});
