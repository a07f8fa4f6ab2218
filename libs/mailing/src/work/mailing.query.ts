import type { MailingResult } from '../model/mailing-handle.js';
import type { TemplateEmailPersister } from '../store/template-email.persister.js';

/** Reads how mailings stand. */
export class MailingQuery {
  constructor(private readonly persister: TemplateEmailPersister) {}

  /**
   * Status and counts of one mailing, as the database knows them at this moment.
   *
   * @returns null if there is no such mailing.
   *
   * @example
   * ```ts
   * const mailing = await query.get(mailingId);
   * console.log(`${mailing?.status}: ${mailing?.numSent} of ${mailing?.numProfiles}`);
   * ```
   */
  get(mailingId: string): Promise<MailingResult | null> {
    return this.persister.readResult(mailingId);
  }
}
