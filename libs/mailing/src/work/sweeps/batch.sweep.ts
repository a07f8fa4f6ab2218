import type { MailingEvents } from '../../model/reports/mailing-event.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import type { MailingClaims } from '../../store/claims/mailing-claims.js';
import type { DeadBatch } from '../../store/claims/find-dead-batches.js';
import type { TemplateEmailBatchPersister } from '../../store/claims/template-email-batch.persister.js';
import type { TemplateEmailPersister } from '../../store/intake/template-email.persister.js';
import type { BatchWorker } from '../execution/batch-worker.js';
import type { ClaimAcquirer } from '../claims/claim.acquirer.js';
import type { ActiveDispatcher } from '../execution/active.dispatcher.js';
import type { RunRegistry } from '../run/run.registry.js';
import type { ResumeHold } from '../execution/resume-hold.js';
import type { ServerMembership } from '../servers/server-membership.js';
import type { SliceRunner } from '../execution/slice.runner.js';

export interface BatchSweepParts {
  settings: MailingSettings;
  batches: TemplateEmailBatchPersister;
  persister: TemplateEmailPersister;
  mailings: MailingClaims;
  claims: ClaimAcquirer;
  worker: BatchWorker;
  runner: SliceRunner;
  runs: RunRegistry;
  hold: ResumeHold;
  membership: ServerMembership;
  dispatcher: ActiveDispatcher;
  events: MailingEvents;
}

/**
 * Frees the batches of all dead servers, whoever they were, and carries out orders that no batch is left to carry out. Every
 * server does it; of two that do it at the same moment, one finds nothing left to do.
 *
 * While this server waits for the call that resumes, the batches of the mailings that it holds stay as they are.
 *
 * A freed batch is first recovered under a claim of our own: whom the death caught is settled, and the host's resolver
 * asked, before anybody else can take it up. A sweeper that dies in between has a dead claim itself.
 */
export class BatchSweep {
  #sweeping: Promise<number> | null = null;

  constructor(private readonly parts: BatchSweepParts) {}

  /** Looks once. Looks at the same moment share one. Never rejects. @returns how many batches were freed. */
  sweep(): Promise<number> {
    this.#sweeping ??= this.#sweep().finally(() => (this.#sweeping = null));
    return this.#sweeping;
  }

  /** Resolves when no look is under way. */
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
    // A pause or an end that was asked for sends nothing, and is carried out.
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
      // The others are not to wait for it.
      const { uniqServerId } = settings;
      events.emit('server:error', { uniqServerId, step: `freeing a batch of ${fromServerId}`, error });
      return false;
    }
  }

  /** Runs that wait for something find an order only if they are told; where there is none any more, it is reached here. */
  async #carryOut(): Promise<void> {
    const { batches, runs, worker } = this.parts;
    for (const mailingId of await batches.requested()) {
      runs.wake(mailingId);
      await worker.tellEnd(mailingId, await batches.completeTransition(mailingId));
    }
  }
}
