import type { MailingEvents } from '../../model/reports/mailing-event.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import type { MailingClaims } from '../../store/claims/mailing-claims.js';
import type { DeadBatch } from '../../store/claims/find-dead-batches.js';
import type { TemplateEmailBatchPersister } from '../../store/claims/template-email-batch.persister.js';
import type { MailingPersister } from '../../model/ports/mailing.persister.js';
import type { BatchWorker } from '../execution/batch-worker.js';
import type { ClaimAcquirer } from '../claims/claim.acquirer.js';
import type { ActiveDispatcher } from '../execution/active.dispatcher.js';
import type { RunRegistry } from '../run/run.registry.js';
import type { ResumeHold } from '../execution/resume-hold.js';
import type { ServerMembership } from '../servers/server-membership.js';
import type { TemplateEmailPeriodicService } from '../servers/template-email-periodic.service.js';
import type { SliceRunner } from '../execution/slice.runner.js';
import type { Sweep } from './sweep.js';

export interface BatchSweepParts {
  settings: Pick<MailingSettings, 'uniqServerId'>;
  batches: TemplateEmailBatchPersister;
  persister: MailingPersister;
  mailings: MailingClaims;
  claims: ClaimAcquirer;
  worker: BatchWorker;
  runner: SliceRunner;
  runs: RunRegistry;
  hold: ResumeHold;
  membership: ServerMembership;
  dispatcher: ActiveDispatcher;
  periodic: TemplateEmailPeriodicService;
  events: MailingEvents;
}

/**
 * Frees the batches of all dead servers, and completes commands if no batch is left to complete them. Every server does it; of two that do it at the
 * same moment, one finds nothing left to do.
 *
 * While this server waits for `resume()`, the batches of the mailings that it holds stay as they are.
 *
 * A batch is recovered under a claim of this server before it is freed: recipients in flight are settled, and the host's resolver is asked, before
 * another server can claim it. If the sweeping process dies in between, its own claim is a dead one, and another sweep recovers it.
 */
export class BatchSweep implements Sweep {
  #sweeping: Promise<number> | null = null;

  constructor(private readonly parts: BatchSweepParts) {}

  onApplicationBootstrap(): void {
    const { periodic, events } = this.parts;
    periodic.addTask(() => this.sweep());
    // Batches of dead servers need not wait for the next heartbeat.
    events.on('server:pruned', () => void this.sweep());
  }

  /** Sweeps once. Calls at the same moment share one sweep. Never rejects. @returns how many batches were freed. */
  sweep(): Promise<number> {
    this.#sweeping ??= this.#sweep().finally(() => (this.#sweeping = null));
    return this.#sweeping;
  }

  /** Resolves when no sweep is running. */
  async idle(): Promise<void> {
    await this.#sweeping;
  }

  async #sweep(): Promise<number> {
    const { events, settings, dispatcher } = this.parts;
    let freed = 0;
    try {
      freed = await this.#freeDead();
      await this.parts.mailings.noteOverdue('batched');
      await this.#carryOut();
    } catch (error) {
      const { uniqServerId } = settings;
      events.emit('server:error', { uniqServerId, step: 'sweep of batches', error });
    }
    if (freed > 0) dispatcher.announce();
    return freed;
  }

  async #freeDead(): Promise<number> {
    const { batches, settings, runs, worker, hold } = this.parts;
    let freed = 0;
    // Requested pauses and cancels are completed also for held mailings: they send nothing.
    const requested = new Set(hold.isWaiting ? await batches.requested() : []);
    for (const dead of await batches.claimedByDead(settings.uniqServerId)) {
      if (runs.isStopping) break;
      if (worker.worksOn(dead.claimToken)) continue;
      const isHeld = !hold.mayBegin(dead.mailingId) && !requested.has(dead.mailingId);
      if (!isHeld && (await this.#free(dead))) freed++;
    }
    return freed;
  }

  async #free(dead: DeadBatch): Promise<boolean> {
    const { persister, claims, runner, events, membership, settings } = this.parts;
    const { mailingId, uniqServerId: fromServerId } = dead;
    try {
      const stored = await persister.readMailing(mailingId);
      if (!stored || membership.incarnation === null) return false;
      const claim = await claims.takeBatch(dead, stored.info);
      if (!claim) return false;
      const { status, mailing } = await runner.release(claim);
      const { startIdx } = dead.batch;
      const numInDoubt = claim.inFlight?.numInFlight ?? 0;
      events.emit('batch:freed', { mailingId, startIdx, fromServerId, numInDoubt, status });
      await this.parts.worker.tellEnd(mailingId, mailing);
      return status === 'pending';
    } catch (error) {
      // A batch that fails must not block the others.
      const { uniqServerId } = settings;
      events.emit('server:error', { uniqServerId, step: `freeing a batch of ${fromServerId}`, error });
      return false;
    }
  }

  /** Completes commands. Runs that wait find a command only if they are woken; if no run is left, it is completed here. */
  async #carryOut(): Promise<void> {
    const { batches, runs, worker } = this.parts;
    for (const mailingId of await batches.requested()) {
      runs.wake(mailingId);
      await worker.tellEnd(mailingId, await batches.applyCommand(mailingId));
    }
  }
}
