import type { MailingSettings } from '../../model/options/mailing-options.js';
import type { HealthReader } from '../../store/queries/health.reader.js';
import type { HeldMailing } from '../../store/queries/find-held.js';
import type { ResumeHold } from './resume-hold.js';
import { ANY_SERVER } from '../claims/any-server.js';

/** The largest possible number of rows. */
const ALL = 2_147_483_647;

/** Finds the mailings that this process holds back until `resume()` is called. */
export class HeldMailings {
  constructor(
    private readonly settings: Pick<
      MailingSettings,
      'enabledAsTemplateMailServer' | 'migrationList' | 'uniqServerId'
    >,
    private readonly reader: HealthReader,
    private readonly hold: ResumeHold,
  ) {}

  /** @returns oldest first; none if nothing is held. @param limit most that are returned. Default: all. */
  async find(limit = ALL): Promise<HeldMailing[]> {
    const { uniqServerId, migrationList, enabledAsTemplateMailServer: takesBatches } = this.settings;
    if (!this.hold.isWaiting) return [];
    const scope = {
      uniqServerId,
      migrationList: migrationList.includes(ANY_SERVER) ? null : migrationList,
      takesBatches,
    };
    // Admitted mailings are filtered here, because their list may be too long for a statement.
    const most = Math.min(ALL, limit + this.hold.admitted.length);
    const found = await this.reader.held(scope, most);
    return found.filter(({ mailingId }) => !this.hold.mayBegin(mailingId)).slice(0, limit);
  }
}
