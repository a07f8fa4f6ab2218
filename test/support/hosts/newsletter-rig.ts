import { afterAll, beforeAll } from 'vitest';
import { type FreshDatabase, freshDatabase } from '../databases/fresh-database.js';
import { NewsletterService } from './newsletter-service.js';
import { SmtpInbox } from '../network/smtp-inbox.js';

/** The newsletter service in a process of its own, with a database and a mail server, for all tests of a block. */
export class NewsletterRig {
  database: FreshDatabase;
  inbox: SmtpInbox;
  service: NewsletterService;

  /**
   * Call it inside `describe`.
   *
   * @param envOf more of the environment of the process.
   */
  static forAllTests(
    envOf: () => Promise<Record<string, string>> = () => Promise.resolve({}),
  ): NewsletterRig {
    const rig = new NewsletterRig();
    beforeAll(async () => {
      rig.database = await freshDatabase('sqlite', { migrate: false });
      rig.inbox = await SmtpInbox.start();
      const urls = { databaseUrl: rig.database.url, smtpUrl: rig.inbox.url };
      rig.service = await NewsletterService.start({ ...urls, env: await envOf() });
    });
    afterAll(async () => {
      await rig.service.stop();
      await rig.inbox.close();
      await rig.database.dispose();
    });
    return rig;
  }
}
