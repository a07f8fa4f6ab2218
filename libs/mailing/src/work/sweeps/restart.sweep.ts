import { ServerStandbyError, ServerShuttingDownError } from '../../model/errors/request.errors.js';
import type { FaultPoints } from '../../model/ports/fault-points.js';
import type { MailingEvents } from '../../model/reports/mailing-event.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import type { MailingClaims } from '../../store/claims/mailing-claims.js';
import type { UnfinishedMailing } from '../../store/claims/find-unfinished.js';
import type { TemplateEmailBatchServerPersister } from '../../store/servers/template-email-batch-server.persister.js';
import { ANY_SERVER } from '../claims/any-server.js';
import type { BatchSweep } from './batch.sweep.js';
import type { ActiveDispatcher } from '../execution/active.dispatcher.js';
import type { HeldMailings } from '../execution/held.mailings.js';
import type { MailingLauncher } from '../execution/mailing-launcher.js';
import type { RunRegistry } from '../run/run.registry.js';
import type { ResumeHold } from '../execution/resume-hold.js';
import type { ServerMembership } from '../servers/server-membership.js';
import type { TemplateEmailPeriodicService } from '../servers/template-email-periodic.service.js';
import type { Sweep } from './sweep.js';
import type { TransportProbe } from './transport-probe.js';

export interface RestartSweepParts {
  settings: Pick<MailingSettings, 'migrationList' | 'uniqServerId'>;
  claims: MailingClaims;
  servers: TemplateEmailBatchServerPersister;
  membership: ServerMembership;
  launcher: MailingLauncher;
  runs: RunRegistry;
  periodic: TemplateEmailPeriodicService;
  probe: TransportProbe;
  hold: ResumeHold;
  held: HeldMailings;
  batchSweep: BatchSweep;
  dispatcher: ActiveDispatcher;
  events: MailingEvents;
  faultPoints: FaultPoints;
}

/** The result of one sweep. */
export interface SweepReport {
  /** Mailings that moved here from dead servers. */
  adopted: string[];
  /** Mailings this server goes on with. */
  resumed: string[];
  /** Lists whose writer died; now `failed`. */
  failedLists: number;
}

/** What a call of `resume()` has begun. */
export interface ResumeReport extends SweepReport {
  /** Mailings in batches that this server held back, and takes its share of from now on. */
  batched: string[];
}

/**
 * Does the work of `TemplateEmailRestarter`.
 *
 * It never delays or breaks the bootstrap: all work begins in the background, after the host is ready. The sweep is repeated with each heartbeat. So
 * a mailing that was missed for any reason (the database was away, a lease ran out only later) is found without a restart.
 */
export class RestartSweep implements Sweep {
  #sweeping: Promise<SweepReport> | null = null;
  #resuming: Promise<ResumeReport> | null = null;
  #hasToldOfHold = false;

  constructor(private readonly parts: RestartSweepParts) {}

  onApplicationBootstrap(): void {
    this.parts.periodic.addTask(() => this.#tellOfHold());
    this.parts.periodic.addTask(() => this.sweep());
    // A separate task that nothing waits for: a transport may take long to fail.
    this.parts.periodic.addTask(() => void this.probe());
  }

  /** As `TemplateEmailRestarter.sweep`. */
  sweep(): Promise<SweepReport> {
    this.#sweeping ??= this.#sweep().finally(() => (this.#sweeping = null));
    return this.#sweeping;
  }

  /** As `TemplateEmailRestarter.resume`. */
  resume(): Promise<ResumeReport> {
    this.#resuming ??= this.#resume().finally(() => (this.#resuming = null));
    return this.#resuming;
  }

  /** Resolves when no sweep is running. */
  async idle(): Promise<void> {
    await this.#resuming?.catch(() => undefined);
    await this.#sweeping;
  }

  async #resume(): Promise<ResumeReport> {
    const { settings, membership, runs, hold, held, events, batchSweep, dispatcher } = this.parts;
    const { uniqServerId } = settings;
    if (runs.isStopping) throw new ServerShuttingDownError(uniqServerId);
    if (membership.incarnation === null) await membership.heartbeat();
    if (membership.incarnation === null) throw new ServerStandbyError(uniqServerId, membership.other);
    const batched = (await held.find()).filter(({ isBatched }) => isBatched);
    // A sweep that is already running skipped the held mailings, so it must not be shared.
    while (this.#sweeping) await this.#sweeping;
    if (runs.isStopping) throw new ServerShuttingDownError(uniqServerId);
    const wasWaiting = hold.isWaiting;
    hold.lift();
    const report = await this.sweep();
    await batchSweep.idle();
    await batchSweep.sweep();
    dispatcher.announce();
    void this.probe();
    if (wasWaiting) events.emit('server:resumed', { uniqServerId });
    return { ...report, batched: batched.map(({ mailingId }) => mailingId) };
  }

  /** Reports the held mailings once, when the database can count them. */
  async #tellOfHold(): Promise<void> {
    const { hold, held, settings, events } = this.parts;
    if (!hold.isWaiting || this.#hasToldOfHold) return;
    const found = await held.find();
    if (this.#hasToldOfHold) return;
    this.#hasToldOfHold = true;
    const numRecipients = found.reduce((sum, { numLeft }) => sum + numLeft, 0);
    const { uniqServerId } = settings;
    events.emit('server:resume-awaited', { uniqServerId, numMailings: found.length, numRecipients });
  }

  /** Probes the transport if a mailing waits for it, and begins what may go on. */
  async probe(): Promise<void> {
    if ((await this.parts.probe.look()) > 0 && !this.parts.runs.isStopping) await this.sweep();
  }

  async #sweep(): Promise<SweepReport> {
    const report: SweepReport = { adopted: [], resumed: [], failedLists: 0 };
    const { uniqServerId } = this.parts.settings;
    try {
      // Our own work first: adopting from dead servers may have to wait for the locks they left.
      report.failedLists = await this.#failDeadLists();
      await this.parts.claims.noteOverdue({ uniqServerId });
      report.resumed = await this.#resumeOwn();
      if (!this.parts.hold.isWaiting) report.adopted = await this.#adopt();
      if (report.adopted.length > 0) {
        report.failedLists += await this.#failDeadLists();
        report.resumed.push(...(await this.#resumeOwn()));
      }
    } catch (error) {
      this.parts.events.emit('server:error', { uniqServerId, step: 'sweep', error });
    }
    return report;
  }

  async #failDeadLists(): Promise<number> {
    const { incarnation } = this.parts.membership;
    return incarnation === null
      ? 0
      : this.parts.claims.failDeadLists(this.parts.settings.uniqServerId, incarnation);
  }

  async #adopt(): Promise<string[]> {
    const adopted: string[] = [];
    for (const fromServerId of await this.#candidates()) {
      try {
        adopted.push(...(await this.#adoptFrom(fromServerId)));
      } catch (error) {
        // A server that fails must not block the others.
        const { uniqServerId } = this.parts.settings;
        this.parts.events.emit('server:error', {
          uniqServerId,
          step: `takeover of ${fromServerId}`,
          error,
        });
      }
    }
    return adopted;
  }

  async #adoptFrom(fromServerId: string): Promise<string[]> {
    if (
      !(await this.parts.servers.prune(fromServerId, this.parts.membership.isKnownDead, this.#judgesLeases))
    )
      return [];
    const toServerId = this.parts.settings.uniqServerId;
    const moved = await this.parts.claims.adopt(fromServerId, toServerId);
    if (moved.length > 0) this.parts.faultPoints.reach('afterAdopted');
    for (const mailingId of moved) {
      this.parts.events.emit('mailing:adopted', { mailingId, fromServerId, toServerId });
    }
    return moved;
  }

  /** False after an outage of the database: all leases have run out, and live servers get time to renew theirs. */
  get #judgesLeases(): boolean {
    return !this.parts.membership.lease.isAfterGap();
  }

  async #candidates(): Promise<string[]> {
    const { migrationList, uniqServerId } = this.parts.settings;
    if (migrationList.length === 0) return [];
    const owners = await this.parts.claims.ownersOfUnfinished(uniqServerId);
    return migrationList.includes(ANY_SERVER) ? owners : owners.filter((id) => migrationList.includes(id));
  }

  async #resumeOwn(): Promise<string[]> {
    const resumed: string[] = [];
    const unfinished = await this.parts.claims.unfinished(this.parts.settings.uniqServerId);
    // Includes runs whose mailing is not in the list any more: a commit whose answer was lost may have completed it.
    this.parts.runs.resumeStalled();
    for (const mailing of unfinished) {
      if (this.parts.runs.isStopping) break;
      if (this.parts.runs.has(mailing.mailingId)) {
        this.#passOnCommand(mailing);
        continue;
      }
      const isRequest = mailing.status === 'pausing' || mailing.status === 'canceling';
      if (!isRequest && !this.parts.hold.mayBegin(mailing.mailingId)) continue;
      // Our own claim without a run means that the run failed: it is recovered like a claim of another server.
      resumed.push(mailing.mailingId);
      // One broken mailing must not stop the others.
      this.parts.launcher.launch(mailing).catch((error: unknown) => {
        this.parts.events.emit('run:failed', { mailingId: mailing.mailingId, error });
      });
    }
    return resumed;
  }

  /** Wakes a run for a command that was given on another server: a run that waits might not poll for hours. */
  #passOnCommand({ mailingId, status }: UnfinishedMailing): void {
    if (status === 'pausing' || status === 'canceling') this.parts.runs.wake(mailingId);
  }
}
