import type { MailingEvents, MailingOrder } from '../model/reports/mailing-event.js';
import type { MailingSettings } from '../model/options/mailing-options.js';
import type { MailingStatus } from '../model/states/mailing-status.js';
import { MailingEndedError, MailingUnknownError } from '../model/errors/order.errors.js';
import type { MailingClaims } from '../store/claims/mailing-claims.js';
import type { CommandedMailing, CommandPersister } from '../store/commands/command.persister.js';
import type { TemplateEmailBatchServerPersister } from '../store/servers/template-email-batch-server.persister.js';
import type { BatchSweep } from './sweeps/batch.sweep.js';
import type { ActiveDispatcher } from './execution/active.dispatcher.js';
import type { MailingLauncher } from './execution/mailing-launcher.js';
import type { RunRegistry } from './run/run.registry.js';
import type { ProfileRecorder } from './recipients/profile.recorder.js';
import type { ResumeHold } from './execution/resume-hold.js';
import type { ServerMembership } from './servers/server-membership.js';

export interface MailingOrdersParts {
  settings: MailingSettings;
  orders: CommandPersister;
  claims: MailingClaims;
  servers: TemplateEmailBatchServerPersister;
  membership: ServerMembership;
  launcher: MailingLauncher;
  runs: RunRegistry;
  hold: ResumeHold;
  batchSweep: BatchSweep;
  dispatcher: ActiveDispatcher;
  recorder: ProfileRecorder;
  events: MailingEvents;
}

/**
 * Carries out what people ask of a mailing, on whatever server they ask.
 *
 * The order is written into the mailing's row, and that is all it takes: a run on another server finds it in its next commit,
 * one that waits finds it with the next heartbeat of its server, and one in this process is told at once. Where the owner
 * is dead nobody would ever find it, so the mailing moves here and the change is completed. A mailing in batches has many runs
 * and no owner: the last of them to end completes the change, and the batches of the dead are freed for it here and now.
 */
export class MailingOrders {
  constructor(private readonly parts: MailingOrdersParts) {}

  async pause(mailingId: string): Promise<MailingStatus> {
    const ordered = this.#known(mailingId, await this.parts.orders.pause(mailingId));
    this.parts.runs.drain(mailingId);
    return this.#complete('pause', mailingId, ordered);
  }

  async cancel(mailingId: string): Promise<MailingStatus> {
    const ordered = this.#known(mailingId, await this.parts.orders.cancel(mailingId));
    this.parts.runs.drain(mailingId);
    return this.#complete('cancel', mailingId, ordered);
  }

  async resume(mailingId: string): Promise<MailingStatus> {
    const { orders, settings } = this.parts;
    const toServerId = (await this.#canWork()) ? settings.uniqServerId : null;
    const ordered = this.#known(mailingId, await orders.resume(mailingId, toServerId));
    this.parts.hold.admit(mailingId);
    this.#tell('resume', mailingId, ordered.status);
    if (ordered.isBatched) this.parts.dispatcher.announce();
    const wantsRun = !ordered.isBatched && (ordered.status === 'pending' || ordered.status === 'in_progress');
    if (wantsRun && (await this.#isOurs(mailingId, ordered))) this.#launch(mailingId, ordered);
    return ordered.status;
  }

  async retry(mailingId: string, which: 'error' | 'in_doubt'): Promise<number> {
    const { orders, runs } = this.parts;
    const before = this.#known(mailingId, await orders.read(mailingId));
    if (before.status === 'canceled' || before.status === 'canceling' || before.status === 'failed') {
      throw new MailingEndedError(mailingId, before.status);
    }
    const count = await orders.retry(mailingId, which);
    if (count === 0) return 0;
    // One that is held goes on waiting, with more to send; one that was over is begun by this call and by no other.
    if (before.status === 'completed') this.parts.hold.admit(mailingId);
    const after = this.#known(mailingId, await orders.read(mailingId));
    this.#tell('retry', mailingId, after.status);
    runs.wake(mailingId);
    if (after.isBatched) this.parts.dispatcher.announce();
    else if (after.status === 'pending' && (await this.#isOurs(mailingId, after)))
      this.#launch(mailingId, after);
    return count;
  }

  async settleInDoubt(mailingId: string, as: 'sent' | 'error'): Promise<number> {
    const before = this.#known(mailingId, await this.parts.orders.read(mailingId));
    const { orders, recorder } = this.parts;
    const wereMailed = as === 'sent' && !before.isRedirected;
    const count = await orders.settleInDoubt(mailingId, as, async (userIds) => {
      if (wereMailed) await recorder.noteMailed(userIds);
    });
    if (count > 0) this.#tell('settle', mailingId, before.status);
    await recorder.flush();
    return count;
  }

  /** A server that stops, or stands by, writes orders down and leaves them to others. */
  async #canWork(): Promise<boolean> {
    const { membership, runs } = this.parts;
    if (runs.isStopping) return false;
    return membership.incarnation !== null || (await membership.heartbeat()) === 'member';
  }

  #known(mailingId: string, ordered: CommandedMailing | null): CommandedMailing {
    if (!ordered) throw new MailingUnknownError(mailingId);
    return ordered;
  }

  #tell(order: MailingOrder, mailingId: string, status: MailingStatus): void {
    this.parts.events.emit('mailing:ordered', { mailingId, order, status });
  }

  /** Leaves an order to the run that works on the mailing; carries it out here if there can be none. */
  async #complete(order: MailingOrder, mailingId: string, ordered: CommandedMailing): Promise<MailingStatus> {
    this.#tell(order, mailingId, ordered.status);
    const waitsForRun = ordered.status === 'pausing' || ordered.status === 'canceling';
    if (waitsForRun && ordered.isBatched) return this.#completeBatched(mailingId, ordered);
    if (!waitsForRun || !(await this.#isOurs(mailingId, ordered))) return ordered.status;
    if (this.parts.runs.has(mailingId)) return ordered.status;
    const { status } = await this.parts.launcher.launch({ mailingId, ...ordered });
    return status;
  }

  /** The dead can't end their batches; the living are waited for by nobody. */
  async #completeBatched(mailingId: string, ordered: CommandedMailing): Promise<MailingStatus> {
    const { hold, batchSweep } = this.parts;
    // A look that began before the order would leave the batches of the dead to the resume.
    if (hold.isWaiting) await batchSweep.idle();
    if (await this.#canWork()) await batchSweep.sweep();
    const now = await this.parts.orders.read(mailingId);
    return now?.status ?? ordered.status;
  }

  /** True if this server is to work on it: it owns it, or the owner is dead and it moves here. */
  async #isOurs(mailingId: string, { uniqServerId }: CommandedMailing): Promise<boolean> {
    const { settings, servers, claims, membership } = this.parts;
    if (!(await this.#canWork())) return false;
    if (uniqServerId === settings.uniqServerId) return true;
    const judgesLease = !membership.lease.isAfterGap();
    if (!(await servers.bury(uniqServerId, membership.isKnownDead, judgesLease))) return false;
    const moved = await claims.adoptOne(mailingId, uniqServerId, settings.uniqServerId);
    const facts = { mailingId, fromServerId: uniqServerId, toServerId: settings.uniqServerId };
    if (moved) this.parts.events.emit('mailing:adopted', facts);
    return moved;
  }

  #launch(mailingId: string, ordered: CommandedMailing): void {
    this.parts.launcher.launch({ mailingId, ...ordered }).catch((error: unknown) => {
      this.parts.events.emit('run:failed', { mailingId, error });
    });
  }
}
