import { Mailing, type MailingModuleOptions, type MailingStatus, type Recipient } from 'nestjs-mailing';
import { afterEach, beforeEach } from 'vitest';
import { assertProgressAddsUp, type StoredProgress, readProgress } from '../databases/stored-progress.js';
import type { DatabaseKind } from '../databases/database-kinds.js';
import { type FreshDatabase, freshDatabase } from '../databases/fresh-database.js';
import { type MailingApp, mailingApp, type MailingAppOptions } from './mailing-app.js';
import { SmtpInbox } from '../network/smtp-inbox.js';
import { waitUntil } from '../wait-until.js';

export const INFO = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'The Shop <news@shop.example>' };

/** `reader0@home.example` and so on. */
export const people = (count: number): Recipient[] =>
  Array.from({ length: count }, (_, n) => `reader${n}@home.example`);

/** A database, a mail server and any number of applications in this process, made anew for each test of a block. */
export class MailingRig {
  database: FreshDatabase;
  inbox: SmtpInbox;
  apps: MailingApp[] = [];

  /** Call it inside `describe`. */
  static forEachTest(kind: DatabaseKind): MailingRig {
    const rig = new MailingRig();
    beforeEach(async () => {
      rig.apps = [];
      rig.database = await freshDatabase(kind);
      rig.inbox = await SmtpInbox.start();
    });
    afterEach(async () => {
      await Promise.all(rig.apps.map((app) => app.close()));
      await rig.inbox.close();
      await rig.database.dispose();
    });
    return rig;
  }

  async boot(
    mailing: Partial<MailingModuleOptions> = {},
    more: Partial<MailingAppOptions> = {},
  ): Promise<MailingApp> {
    const app = await mailingApp({
      databaseUrl: this.database.url,
      smtpUrl: this.inbox.url,
      mailing,
      ...more,
    });
    this.apps.push(app);
    return app;
  }

  /** Sends a persisted mailing to so many recipients. @returns its id. */
  async send(app: MailingApp, count: number): Promise<string> {
    const { mailingId } = await app.sender.sendEmailMessage(INFO, people(count), { persist: true });
    return mailingId as string;
  }

  reached(mailingId: string, status: MailingStatus, deadlineMs = 15_000): Promise<Mailing> {
    const mailings = this.database.dataSource.getRepository(Mailing);
    return waitUntil(() => mailings.findOneBy({ id: mailingId, status }), {
      what: `the mailing to be ${status}`,
      deadlineMs,
    });
  }

  progress(mailingId: string): Promise<StoredProgress> {
    return readProgress(this.database.dataSource, mailingId);
  }

  /** @throws Error unless each recipient got exactly one copy, and rows and counters say so. */
  async assertAllSent(mailingId: string, count: number): Promise<void> {
    const progress = await this.progress(mailingId);
    assertProgressAddsUp(progress);
    const copies = [...this.inbox.countsByRecipient().values()];
    const isOneEach = copies.length === count && copies.every((number) => number === 1);
    if (progress.byStatus.sent !== count || !isOneEach) {
      const received = `${copies.length} got ${copies.reduce((sum, number) => sum + number, 0)} copies`;
      throw new Error(`Of ${count}, ${JSON.stringify(progress.byStatus)}; ${received}.`);
    }
  }

  /** Closes the mail server. @returns a function that opens it again on the same port. */
  async inboxDown(): Promise<() => Promise<void>> {
    const port = Number(new URL(this.inbox.url).port);
    await this.inbox.close();
    const { messages } = this.inbox;
    return async () => {
      this.inbox = await SmtpInbox.start({ port });
      this.inbox.messages.push(...messages);
    };
  }
}
