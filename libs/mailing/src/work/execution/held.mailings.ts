import type { MailingSettings } from '../../model/options/mailing-options.js';
import type { HealthReader } from '../../store/queries/health.reader.js';
import type { HeldMailing } from '../../store/queries/find-held.js';
import type { ResumeHold } from './resume-hold.js';
import { ANY_SERVER } from '../claims/any-server.js';

/** As many rows as there can be. */
const ALL = 2_147_483_647;

/** Finds what this process holds back until the call that resumes. */
export class HeldMailings {
  constructor(
    private readonly settings: MailingSettings,
    private readonly reader: HealthReader,
    private readonly hold: ResumeHold,
  ) {}

  /** @returns oldest first; none where nothing is held. @param limit most that are returned. Default: all. */
  async find(limit = ALL): Promise<HeldMailing[]> {
    const { uniqServerId, migrationList, enabledAsTemplateMailServer: takesBatches } = this.settings;
    if (!this.hold.isWaiting) return [];
    const scope = {
      uniqServerId,
      migrationList: migrationList.includes(ANY_SERVER) ? null : migrationList,
      takesBatches,
    };
    // Those admitted are sorted out here: their list may be longer than a statement takes.
    const most = Math.min(ALL, limit + this.hold.admitted.length);
    const found = await this.reader.held(scope, most);
    return found.filter(({ mailingId }) => !this.hold.mayBegin(mailingId)).slice(0, limit);
  }
}
