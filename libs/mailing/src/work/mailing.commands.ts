import type { MailingEvents, MailingCommand } from '../model/reports/mailing-event.js';
import type { MailingSettings } from '../model/options/mailing-options.js';
import type { MailingStatus } from '../model/states/mailing-status.js';
import { MailingEndedError, MailingNotFoundError } from '../model/errors/command.errors.js';
import type { MailingClaims } from '../store/claims/mailing-claims.js';
import type { RequestedMailing, CommandPersister } from '../store/commands/command.persister.js';
import type { TemplateEmailBatchServerPersister } from '../store/servers/template-email-batch-server.persister.js';
import type { BatchSweep } from './sweeps/batch.sweep.js';
import type { ActiveDispatcher } from './execution/active.dispatcher.js';
import type { MailingLauncher } from './execution/mailing-launcher.js';
import type { RunRegistry } from './run/run.registry.js';
import type { ProfileRecorder } from './recipients/profile.recorder.js';
import type { ResumeHold } from './execution/resume-hold.js';
import type { ServerMembership } from './servers/server-membership.js';

export interface MailingCommandsParts {
  settings: MailingSettings;
  commands: CommandPersister;
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
export class MailingCommands {
  constructor(private readonly parts: MailingCommandsParts) {}

  async pause(mailingId: string): Promise<MailingStatus> {
    const mailing = this.#known(mailingId, await this.parts.commands.pause(mailingId));
    this.parts.runs.drain(mailingId);
    return this.#complete('pause', mailingId, mailing);
  }

  async cancel(mailingId: string): Promise<MailingStatus> {
    const mailing = this.#known(mailingId, await this.parts.commands.cancel(mailingId));
    this.parts.runs.drain(mailingId);
    return this.#complete('cancel', mailingId, mailing);
  }

  async resume(mailingId: string): Promise<MailingStatus> {
    const { commands, settings } = this.parts;
    const toServerId = (await this.#canWork()) ? settings.uniqServerId : null;
    const mailing = this.#known(mailingId, await commands.resume(mailingId, toServerId));
    this.parts.hold.admit(mailingId);
    this.#tell('resume', mailingId, mailing.status);
    if (mailing.isBatched) this.parts.dispatcher.announce();
    const wantsRun = !mailing.isBatched && (mailing.status === 'pending' || mailing.status === 'in_progress');
    if (wantsRun && (await this.#isOurs(mailingId, mailing))) this.#launch(mailingId, mailing);
    return mailing.status;
  }

  async retry(mailingId: string, which: 'error' | 'in_doubt'): Promise<number> {
    const { commands, runs } = this.parts;
    const before = this.#known(mailingId, await commands.read(mailingId));
    if (before.status === 'canceled' || before.status === 'canceling' || before.status === 'failed') {
      throw new MailingEndedError(mailingId, before.status);
    }
    const count = await commands.retry(mailingId, which);
    if (count === 0) return 0;
    // One that is held goes on waiting, with more to send; one that was over is begun by this call and by no other.
    if (before.status === 'completed') this.parts.hold.admit(mailingId);
    const after = this.#known(mailingId, await commands.read(mailingId));
    this.#tell('retry', mailingId, after.status);
    runs.wake(mailingId);
    if (after.isBatched) this.parts.dispatcher.announce();
    else if (after.status === 'pending' && (await this.#isOurs(mailingId, after)))
      this.#launch(mailingId, after);
    return count;
  }

  async settleInDoubt(mailingId: string, as: 'sent' | 'error'): Promise<number> {
    const before = this.#known(mailingId, await this.parts.commands.read(mailingId));
    const { commands, recorder } = this.parts;
    const wereMailed = as === 'sent' && !before.isRedirected;
    const count = await commands.settleInDoubt(mailingId, as, async (userIds) => {
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

  #known(mailingId: string, mailing: RequestedMailing | null): RequestedMailing {
    if (!mailing) throw new MailingNotFoundError(mailingId);
    return mailing;
  }

  #tell(command: MailingCommand, mailingId: string, status: MailingStatus): void {
    this.parts.events.emit('mailing:command', { mailingId, command, status });
  }

  /** Leaves an order to the run that works on the mailing; carries it out here if there can be none. */
  async #complete(
    command: MailingCommand,
    mailingId: string,
    mailing: RequestedMailing,
  ): Promise<MailingStatus> {
    this.#tell(command, mailingId, mailing.status);
    const waitsForRun = mailing.status === 'pausing' || mailing.status === 'canceling';
    if (waitsForRun && mailing.isBatched) return this.#completeBatched(mailingId, mailing);
    if (!waitsForRun || !(await this.#isOurs(mailingId, mailing))) return mailing.status;
    if (this.parts.runs.has(mailingId)) return mailing.status;
    const { status } = await this.parts.launcher.launch({ mailingId, ...mailing });
    return status;
  }

  /** The dead can't end their batches; the living are waited for by nobody. */
  async #completeBatched(mailingId: string, mailing: RequestedMailing): Promise<MailingStatus> {
    const { hold, batchSweep } = this.parts;
    // A look that began before the order would leave the batches of the dead to the resume.
    if (hold.isWaiting) await batchSweep.idle();
    if (await this.#canWork()) await batchSweep.sweep();
    const now = await this.parts.commands.read(mailingId);
    return now?.status ?? mailing.status;
  }

  /** True if this server is to work on it: it owns it, or the owner is dead and it moves here. */
  async #isOurs(mailingId: string, { uniqServerId }: RequestedMailing): Promise<boolean> {
    const { settings, servers, claims, membership } = this.parts;
    if (!(await this.#canWork())) return false;
    if (uniqServerId === settings.uniqServerId) return true;
    const judgesLease = !membership.lease.isAfterGap();
    if (!(await servers.prune(uniqServerId, membership.isKnownDead, judgesLease))) return false;
    const moved = await claims.adoptOne(mailingId, uniqServerId, settings.uniqServerId);
    const facts = { mailingId, fromServerId: uniqServerId, toServerId: settings.uniqServerId };
    if (moved) this.parts.events.emit('mailing:adopted', facts);
    return moved;
  }

  #launch(mailingId: string, mailing: RequestedMailing): void {
    this.parts.launcher.launch({ mailingId, ...mailing }).catch((error: unknown) => {
      this.parts.events.emit('run:failed', { mailingId, error });
    });
  }
}
