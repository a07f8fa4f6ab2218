import type { MailingEvents, MailingCommand } from '../model/reports/mailing-event.js';
import type { MailingSettings } from '../model/options/mailing-options.js';
import type { MailingStatus } from '../model/states/mailing-status.js';
import { MailingEndedError, MailingNotFoundError } from '../model/errors/command.errors.js';
import type { MailingClaims } from '../store/claims/mailing-claims.js';
import type { RequestedMailing } from '../store/commands/read-requested.js';
import type { CommandPersister } from '../store/commands/command.persister.js';
import type { TemplateEmailBatchServerPersister } from '../store/servers/template-email-batch-server.persister.js';
import type { BatchSweep } from './sweeps/batch.sweep.js';
import type { ActiveDispatcher } from './execution/active.dispatcher.js';
import type { MailingLauncher } from './execution/mailing-launcher.js';
import type { RunRegistry } from './run/run.registry.js';
import type { ProfileRecorder } from './recipients/profile.recorder.js';
import type { ResumeHold } from './execution/resume-hold.js';
import type { ServerMembership } from './servers/server-membership.js';

export interface MailingCommandsParts {
  settings: Pick<MailingSettings, 'uniqServerId'>;
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
 * Carries out commands about a mailing, on any server.
 *
 * A command is written into the mailing's row. A run on another server finds it in its next commit, a waiting run finds it with the next heartbeat of
 * its server, and a run in this process is told at once. If the owner is dead, no run would ever find the command, so the mailing moves here and the
 * command is completed. A mailing in batches has many runs and no owner: the last run to end completes the command, and this server frees the batches
 * of dead servers at once.
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
    return this.#goOn('resume', mailingId, mailing);
  }

  async continueMailing(mailingId: string): Promise<MailingStatus> {
    const { commands, settings } = this.parts;
    const toServerId = (await this.#canWork()) ? settings.uniqServerId : null;
    const mailing = await commands.continueMailing(mailingId, toServerId);
    const { isContinued, ...known } = this.#known(mailingId, mailing);
    return isContinued ? this.#goOn('continue', mailingId, known) : known.status;
  }

  /** Begins the work on a mailing that may be sent again. */
  async #goOn(command: MailingCommand, mailingId: string, mailing: RequestedMailing): Promise<MailingStatus> {
    this.parts.hold.admit(mailingId);
    this.#tell(command, mailingId, mailing.status);
    if (mailing.isBatched) this.parts.dispatcher.announce();
    const wantsRun = !mailing.isBatched && (mailing.status === 'pending' || mailing.status === 'in_progress');
    if (wantsRun && (await this.#isOurs(mailingId, mailing))) this.#launch(mailingId, mailing);
    return mailing.status;
  }

  async retry(mailingId: string, which: 'error' | 'in_doubt' | 'skipped'): Promise<number> {
    const { commands, runs } = this.parts;
    const before = this.#known(mailingId, await commands.read(mailingId));
    if (before.status === 'canceled' || before.status === 'canceling' || before.status === 'failed') {
      throw new MailingEndedError(mailingId, before.status);
    }
    const count = await commands.retry(mailingId, which);
    if (count === 0) return 0;
    // A held mailing stays held, with more to send. A completed one is begun by this call and by no other, so it is admitted.
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

  /** False for a server that stops or is on standby: it writes commands to the row and leaves them to others. */
  async #canWork(): Promise<boolean> {
    const { membership, runs } = this.parts;
    if (runs.isStopping) return false;
    return membership.incarnation !== null || (await membership.heartbeat()) === 'member';
  }

  #known<T extends RequestedMailing>(mailingId: string, mailing: T | null): T {
    if (!mailing) throw new MailingNotFoundError(mailingId);
    return mailing;
  }

  #tell(command: MailingCommand, mailingId: string, status: MailingStatus): void {
    this.parts.events.emit('mailing:command', { mailingId, command, status });
  }

  /** Leaves a command to the run that works on the mailing. Carries it out here if there can be no such run. */
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

  /** Frees the batches of dead servers, which cannot end them. Does not wait for the runs of live servers. */
  async #completeBatched(mailingId: string, mailing: RequestedMailing): Promise<MailingStatus> {
    const { hold, batchSweep } = this.parts;
    // A sweep that began before the command would leave the held batches of dead servers to `resume()`.
    if (hold.isWaiting) await batchSweep.idle();
    if (await this.#canWork()) await batchSweep.sweep();
    const now = await this.parts.commands.read(mailingId);
    return now?.status ?? mailing.status;
  }

  /** True if this server is to work on the mailing: it owns it, or the owner is dead and the mailing moves here. */
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
