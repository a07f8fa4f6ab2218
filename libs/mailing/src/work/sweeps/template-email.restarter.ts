import type { OnApplicationBootstrap } from '@nestjs/common';
import { ServerStandbyError, ServerShuttingDownError } from '../../model/errors/request.errors.js';
import type { FaultPoints } from '../../model/ports/fault-points.js';
import type { MailingEvents } from '../../model/reports/mailing-event.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import type { MailingClaims, UnfinishedMailing } from '../../store/claims/mailing-claims.js';
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
import type { TransportProbe } from './transport-probe.js';

export interface TemplateEmailRestarterParts {
  settings: MailingSettings;
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

/** What one look for work left behind found. */
export interface SweepReport {
  /** Mailings that moved here from dead servers. */
  adopted: string[];
  /** Mailings this server goes on with. */
  resumed: string[];
  /** Lists whose writer died; now `failed`. */
  failedLists: number;
}

/** What a call that resumes has begun. */
export interface ResumeReport extends SweepReport {
  /** Mailings in batches that this server held back, and takes its share of from now on. */
  batched: string[];
}

/**
 * Resumes this server's unfinished mailings at bootstrap, and moves those of the dead servers in `migrationList` here.
 *
 * The bootstrap is never held up and never broken: all work is begun in the background, after the host is ready. The same
 * look is repeated with each heartbeat, so a mailing that was left alone for whatever reason (the database was away, a
 * lease ran out only later) is found again without a restart.
 *
 * With the option `resume: 'manual'` it begins only what this process was asked for since its start, until `resume()` is called. Pauses and
 * ends that were asked for are carried out, and lists whose writer died are called failed: neither sends anything.
 */
export class TemplateEmailRestarter implements OnApplicationBootstrap {
  #sweeping: Promise<SweepReport> | null = null;

  #resuming: Promise<ResumeReport> | null = null;
  #hasToldOfHold = false;

  constructor(private readonly parts: TemplateEmailRestarterParts) {}

  onApplicationBootstrap(): void {
    this.parts.periodic.addTask(() => this.#tellOfHold());
    this.parts.periodic.addTask(() => this.sweep());
    // On its own, and nothing to wait for: a transport that does not answer takes its time to say so.
    this.parts.periodic.addTask(() => void this.#probe());
  }

  /**
   * Looks once for work left behind and begins it, but for what waits for `resume()`. Looks at the same moment share one. Never rejects.
   *
   * @returns what was found; the mailings themselves go on in the background.
   */
  sweep(): Promise<SweepReport> {
    this.#sweeping ??= this.#sweep().finally(() => (this.#sweeping = null));
    return this.#sweeping;
  }

  /**
   * Begins what waits in the database since a start with `resume: 'manual'`, and lets this process look after it from now on as with `auto`,
   * until it ends. Harmless when repeated, and where nothing waits. It is about this process alone: each server that was started so has to be
   * called.
   *
   * Mailings that were paused because the mail server was out of reach go on when a probe finds it, which is begun now.
   *
   * @returns what was found, once it is begun; the mailings themselves go on in the background. What a second call returns was not begun
   * by the first.
   * @throws ServerStandbyError if another live process has our server id; ServerShuttingDownError during shutdown; what the database throws.
   * Nothing was begun then, and the call may be repeated.
   *
   * @example
   * ```ts
   * const { resumed, adopted, batched } = await restarter.resume();
   * console.log(`${resumed.length} mailings go on, ${adopted.length} of them from dead servers, and ${batched.length} in batches`);
   * ```
   */
  resume(): Promise<ResumeReport> {
    this.#resuming ??= this.#resume().finally(() => (this.#resuming = null));
    return this.#resuming;
  }

  /** Resolves when no look is under way. */
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
    // A look that is under way would be taken for the one that found everything.
    while (this.#sweeping) await this.#sweeping;
    if (runs.isStopping) throw new ServerShuttingDownError(uniqServerId);
    const wasWaiting = hold.isWaiting;
    hold.lift();
    const report = await this.sweep();
    await batchSweep.idle();
    await batchSweep.sweep();
    dispatcher.announce();
    void this.#probe();
    if (wasWaiting) events.emit('server:resumed', { uniqServerId });
    return { ...report, batched: batched.map(({ mailingId }) => mailingId) };
  }

  /** What waits is told once, when it can be counted. */
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

  async #probe(): Promise<void> {
    if ((await this.parts.probe.look()) > 0 && !this.parts.runs.isStopping) await this.sweep();
  }

  async #sweep(): Promise<SweepReport> {
    const report: SweepReport = { adopted: [], resumed: [], failedLists: 0 };
    const { uniqServerId } = this.parts.settings;
    try {
      // Our own work first: taking over that of the dead may have to wait for locks they left behind.
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
        // The others are not to wait for it.
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

  /** After an outage of the database nobody's lease is fresh, and those who live are given time to renew theirs. */
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
    // Also one that is not in the list any more: it may have been completed by a commit of which it never heard.
    this.parts.runs.resumeStalled();
    for (const mailing of unfinished) {
      if (this.parts.runs.isStopping) break;
      if (this.parts.runs.has(mailing.mailingId)) {
        this.#passOnCommand(mailing);
        continue;
      }
      const isRequest = mailing.status === 'pausing' || mailing.status === 'canceling';
      if (!isRequest && !this.parts.hold.mayBegin(mailing.mailingId)) continue;
      // A claim of our own without a run is a run that failed: it is recovered like anybody else's.
      resumed.push(mailing.mailingId);
      // One broken mailing must not stop the others.
      this.parts.launcher.launch(mailing).catch((error: unknown) => {
        this.parts.events.emit('run:failed', { mailingId: mailing.mailingId, error });
      });
    }
    return resumed;
  }

  /** An order that was given on another server: a run that waits for something would not look for hours. */
  #passOnCommand({ mailingId, status }: UnfinishedMailing): void {
    if (status === 'pausing' || status === 'canceling') this.parts.runs.wake(mailingId);
  }
}
