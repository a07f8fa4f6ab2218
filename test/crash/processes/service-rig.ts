import { afterEach, beforeEach } from 'vitest';
import type { DatabaseKind } from '../../support/databases/database-kinds.js';
import { type FreshDatabase, freshDatabase } from '../../support/databases/fresh-database.js';
import { NewsletterService, type ServiceOptions } from '../../support/hosts/newsletter-service.js';
import { SmtpInbox } from '../../support/network/smtp-inbox.js';
import type { SmtpHook } from '../../support/network/smtp-step.js';

/** Processes of the newsletter service, one database and one mail server, made anew for each test of a block. */
export class ServiceRig {
  database: FreshDatabase;
  inbox: SmtpInbox;
  #services: NewsletterService[] = [];

  /** Call it inside `describe`. */
  static forEachTest(kind: DatabaseKind, answer?: SmtpHook): ServiceRig {
    const rig = new ServiceRig();
    rig.prepare(kind, answer);
    return rig;
  }

  protected prepare(kind: DatabaseKind, answer?: SmtpHook): void {
    beforeEach(async () => {
      this.#services = [];
      this.database = await freshDatabase(kind);
      this.inbox = await SmtpInbox.start({ keepRaw: 0, answer });
    });
    afterEach(async () => {
      await Promise.all(this.#services.map((service) => service.kill()));
      await this.inbox.close();
      await this.database.dispose();
    });
  }

  /** Starts a process without waiting, for tests that end it before it listens. */
  launch(options: Partial<ServiceOptions> = {}): NewsletterService {
    const urls = { databaseUrl: this.database.url, smtpUrl: this.inbox.url };
    const service = NewsletterService.launch({ ...urls, ...options });
    this.#services.push(service);
    return service;
  }

  /** Resolves when it listens. */
  async start(options: Partial<ServiceOptions> = {}): Promise<NewsletterService> {
    const service = this.launch(options);
    await service.listening();
    return service;
  }
}
