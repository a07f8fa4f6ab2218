import type { MailingSettings } from '../../model/options/mailing-options.js';
import type { TemplateEmailBatchServerPersister } from '../../store/servers/template-email-batch-server.persister.js';
import type { ServerMembership } from '../servers/server-membership.js';
import type { TemplateEmailPeriodicService } from '../servers/template-email-periodic.service.js';
import type { Sweep } from './sweep.js';

/**
 * After each heartbeat, every server prunes all other servers that are dead. This moves no mailing; a takeover starts from a pruned row.
 *
 * A lease of another server that ran out counts only if our own lease has held for its whole length. Otherwise, after an outage of the database, the
 * first server to return would prune all the others in the middle of their work, because all leases have run out.
 */
export class ServerSweep implements Sweep {
  constructor(
    private readonly servers: TemplateEmailBatchServerPersister,
    private readonly membership: ServerMembership,
    private readonly settings: Pick<MailingSettings, 'uniqServerId'>,
    private readonly periodic: TemplateEmailPeriodicService,
  ) {}

  onApplicationBootstrap(): void {
    // A task of its own, because locks of dead servers may delay it.
    this.periodic.addTask(() => this.sweep());
  }

  /**
   * Sweeps once.
   *
   * @returns the ids of the servers that were pruned here.
   */
  sweep(): Promise<string[]> {
    const { isKnownDead, lease } = this.membership;
    return this.servers.pruneDead(this.settings.uniqServerId, isKnownDead, lease.hasLastedWholly());
  }
}
