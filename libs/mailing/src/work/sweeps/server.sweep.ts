import type { OnApplicationBootstrap } from '@nestjs/common';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import type { TemplateEmailBatchServerPersister } from '../../store/servers/template-email-batch-server.persister.js';
import type { ServerMembership } from '../servers/server-membership.js';
import type { TemplateEmailPeriodicService } from '../servers/template-email-periodic.service.js';

/**
 * Makes the death of every other server a fact, on every server, after each heartbeat. No mailing moves by that; it is what
 * those who take work over start from.
 *
 * A lease that ran out counts only if our own held all the while. After an outage of the database all leases have run out, and
 * whoever came back first would prune all the others in the middle of their work.
 */
export class ServerSweep implements OnApplicationBootstrap {
  constructor(
    private readonly servers: TemplateEmailBatchServerPersister,
    private readonly membership: ServerMembership,
    private readonly settings: MailingSettings,
    private readonly periodic: TemplateEmailPeriodicService,
  ) {}

  onApplicationBootstrap(): void {
    // On its own, because the dead may have left locks behind.
    this.periodic.addTask(() => this.look());
  }

  /**
   * Looks once.
   *
   * @returns the ids of those who were pruned here.
   */
  look(): Promise<string[]> {
    const { isKnownDead, lease } = this.membership;
    return this.servers.pruneDead(this.settings.uniqServerId, isKnownDead, lease.hasLastedWholly());
  }
}
