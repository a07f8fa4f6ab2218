import type { OnApplicationBootstrap } from '@nestjs/common';
import type { FaultPoints } from '../model/fault-points.js';
import type { MailingEvents } from '../model/mailing-event.js';
import type { MailingSettings } from '../model/mailing-options.js';
import type { MailingClaims, UnfinishedMailing } from '../store/mailing-claims.js';
import type { TemplateEmailBatchServerPersister } from '../store/template-email-batch-server.persister.js';
import type { MailingLauncher } from './mailing-launcher.js';
import type { MailingRuns } from './mailing-runs.js';
import type { ServerMembership } from './server-membership.js';
import type { TemplateEmailPeriodicService } from './template-email-periodic.service.js';
import type { TransportProbe } from './transport-probe.js';

/** Adopt from every dead server. */
export const ANY_SERVER = '*';

/** What one look for work left behind found. */
export interface SweepReport {
  /** Mailings that moved here from dead servers. */
  adopted: string[];
  /** Mailings this server goes on with. */
  resumed: string[];
  /** Lists whose writer died; now `failed`. */
  failedLists: number;
}

/**
 * Resumes this server's unfinished mailings at bootstrap, and moves those of the dead servers in `migrationList` here.
 *
 * The bootstrap is never held up and never broken: all work is begun in the background, after the host is ready. The same
 * look is repeated with each heartbeat, so a mailing that was left alone for whatever reason (the database was away, a
 * lease ran out only later) is found again without a restart.
 */
export class TemplateEmailRestarter implements OnApplicationBootstrap {
  #sweeping: Promise<SweepReport> | null = null;

  constructor(
    private readonly settings: MailingSettings,
    private readonly claims: MailingClaims,
    private readonly servers: TemplateEmailBatchServerPersister,
    private readonly membership: ServerMembership,
    private readonly launcher: MailingLauncher,
    private readonly runs: MailingRuns,
    private readonly periodic: TemplateEmailPeriodicService,
    private readonly probe: TransportProbe,
    private readonly events: MailingEvents,
    private readonly faultPoints: FaultPoints,
  ) {}

  onApplicationBootstrap(): void {
    this.periodic.addDuty(() => this.sweep());
    // On its own, and nothing to wait for: a transport that does not answer takes its time to say so.
    this.periodic.addDuty(() => void this.#probe());
  }

  /**
   * Looks once for work left behind and begins it. Looks at the same moment share one. Never rejects.
   *
   * @returns what was found; the mailings themselves go on in the background.
   */
  sweep(): Promise<SweepReport> {
    this.#sweeping ??= this.#sweep().finally(() => (this.#sweeping = null));
    return this.#sweeping;
  }

  /** Resolves when no look is under way. */
  async idle(): Promise<void> {
    await this.#sweeping;
  }

  async #probe(): Promise<void> {
    if ((await this.probe.look()) > 0 && !this.runs.isStopping) await this.sweep();
  }

  async #sweep(): Promise<SweepReport> {
    const report: SweepReport = { adopted: [], resumed: [], failedLists: 0 };
    const { uniqServerId } = this.settings;
    try {
      // Our own work first: taking over that of the dead may have to wait for locks they left behind.
      report.failedLists = await this.#failDeadLists();
      await this.claims.noteOverdue({ uniqServerId });
      report.resumed = await this.#resume();
      report.adopted = await this.#adopt();
      if (report.adopted.length > 0) {
        report.failedLists += await this.#failDeadLists();
        report.resumed.push(...(await this.#resume()));
      }
    } catch (error) {
      this.events.emit('server:trouble', { uniqServerId, step: 'sweep', error });
    }
    return report;
  }

  async #failDeadLists(): Promise<number> {
    const { incarnation } = this.membership;
    return incarnation === null ? 0 : this.claims.failDeadLists(this.settings.uniqServerId, incarnation);
  }

  async #adopt(): Promise<string[]> {
    const adopted: string[] = [];
    for (const fromServerId of await this.#candidates()) {
      try {
        adopted.push(...(await this.#adoptFrom(fromServerId)));
      } catch (error) {
        // The others are not to wait for it.
        const { uniqServerId } = this.settings;
        this.events.emit('server:trouble', { uniqServerId, step: `takeover of ${fromServerId}`, error });
      }
    }
    return adopted;
  }

  async #adoptFrom(fromServerId: string): Promise<string[]> {
    if (!(await this.servers.bury(fromServerId, this.membership.isKnownDead, this.#judgesLeases))) return [];
    const toServerId = this.settings.uniqServerId;
    const moved = await this.claims.adopt(fromServerId, toServerId);
    if (moved.length > 0) this.faultPoints.reach('afterAdopted');
    for (const mailingId of moved) {
      this.events.emit('mailing:adopted', { mailingId, fromServerId, toServerId });
    }
    return moved;
  }

  /** After an outage of the database nobody's lease is fresh, and those who live are given time to renew theirs. */
  get #judgesLeases(): boolean {
    return !this.membership.lease.isAfterGap();
  }

  async #candidates(): Promise<string[]> {
    const { migrationList, uniqServerId } = this.settings;
    if (migrationList.length === 0) return [];
    const owners = await this.claims.ownersOfUnfinished(uniqServerId);
    return migrationList.includes(ANY_SERVER) ? owners : owners.filter((id) => migrationList.includes(id));
  }

  async #resume(): Promise<string[]> {
    const resumed: string[] = [];
    const unfinished = await this.claims.unfinished(this.settings.uniqServerId);
    // Also one that is not in the list any more: it may have been completed by a commit of which it never heard.
    this.runs.wakeStalled();
    for (const mailing of unfinished) {
      if (this.runs.isStopping) break;
      if (this.runs.has(mailing.mailingId)) {
        this.#passOnOrder(mailing);
        continue;
      }
      // A claim of our own without a run is a run that failed: it is recovered like anybody else's.
      resumed.push(mailing.mailingId);
      // One broken mailing must not stop the others.
      this.launcher.launch(mailing).catch((error: unknown) => {
        this.events.emit('run:failed', { mailingId: mailing.mailingId, error });
      });
    }
    return resumed;
  }

  /** An order that was given on another server: a run that waits for something would not look for hours. */
  #passOnOrder({ mailingId, status }: UnfinishedMailing): void {
    if (status === 'pausing' || status === 'canceling') this.runs.nudge(mailingId);
  }
}
