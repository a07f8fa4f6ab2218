import { InvalidArgumentError } from '../../model/errors/argument.errors.js';
import type { BatchName, BatchWork, ClaimedBatch } from '../../model/ports/dispatcher.js';
import type { MailingSettings } from '../../model/options/mailing-options.js';
import { type MailingStatus, PAUSE_REASONS } from '../../model/states/mailing-status.js';
import { numberOrKindOf } from '../../model/values/value-kind.js';
import type { HeldBatch } from '../../store/ledger/held-claim.js';
import type { TemplateEmailBatchServerPersister } from '../../store/servers/template-email-batch-server.persister.js';
import type { TemplateEmailBatchPersister } from '../../store/claims/template-email-batch.persister.js';
import type { RunEnd } from '../run/mailing-run.parts.js';
import type { RegisteredSlot } from '../run/run.registry.js';
import { ContentGone } from './content.opener.js';
import type { ExecutionParts } from './execution.parts.js';

/** The highest rate of one batch; one number of memory for each message of a second. */
const MAX_RATE = 100_000;

export interface BatchWorkerParts extends ExecutionParts {
  settings: Pick<MailingSettings, 'uniqServerId'>;
  batches: TemplateEmailBatchPersister;
  servers: TemplateEmailBatchServerPersister;
}

/**
 * Claims batches for a dispatcher, and works on each by the same kind of run as a mailing of one server.
 *
 * A claim exists in the database before this process knows of it, possibly even if the statement failed. So the token is noted before the claim
 * statement, and forgotten when the work ends. The next sweep frees a claim of this process whose token is not noted.
 */
export class BatchWorker implements BatchWork {
  readonly #tokens = new Set<string>();

  constructor(private readonly parts: BatchWorkerParts) {}

  async free(limit: number): Promise<BatchName[]> {
    const { batches, hold } = this.parts;
    if (!this.#mayTake()) return [];
    return hold.isWaiting ? batches.free(limit, hold.admitted) : batches.free(limit);
  }

  async claim(batch: BatchName): Promise<ClaimedBatch | null> {
    const { batches, membership, settings, faultPoints } = this.parts;
    // Checked for every batch: a dispatcher's job may be older than this process, or come from a server that holds no mailings back.
    if (!this.#mayTake() || !this.parts.hold.mayBegin(batch.mailingId)) return null;
    const token = membership.nextClaimToken();
    this.#tokens.add(token);
    let claim: HeldBatch | null = null;
    try {
      claim = await batches.claim(batch, settings.uniqServerId, token);
    } finally {
      if (!claim) this.#tokens.delete(token);
    }
    if (!claim) return null;
    faultPoints.reach('afterBatchClaimed');
    return this.#claimed(claim);
  }

  numServers(): Promise<number> {
    return this.parts.servers.countTakingBatches();
  }

  /** Whether this process still works on the claim with this token, and may. */
  worksOn(claimToken: string): boolean {
    return this.#tokens.has(claimToken) && this.parts.membership.isMine(claimToken);
  }

  #mayTake(): boolean {
    const { membership, runs } = this.parts;
    return !runs.isStopping && membership.incarnation !== null && membership.lease.holds();
  }

  #claimed(claim: HeldBatch): ClaimedBatch {
    const { mailingId, batch, claimToken, numProfiles, numSettled } = claim;
    return {
      mailingId,
      startIdx: batch.startIdx,
      numWaiting: numProfiles - numSettled,
      run: async (ratePerSecond) => {
        const work = (workerSlot: RegisteredSlot): Promise<void> =>
          this.#work(claim, workerSlot, ratePerSecond ?? null);
        try {
          if (ratePerSecond !== undefined) assertRate(ratePerSecond);
          // Keyed by its claim: an earlier run of this batch that lost its claim may not have ended yet.
          await this.parts.runs.start(claimToken, work, 'apart', mailingId);
        } catch (error) {
          // The batch stays claimed, and the next sweep frees it.
          this.parts.events.emit('run:failed', { mailingId, error });
        } finally {
          this.#tokens.delete(claimToken);
        }
      },
    };
  }

  async #work(claim: HeldBatch, workerSlot: RegisteredSlot, ratePerSecond: number | null): Promise<void> {
    const { persister, opener, runner, events } = this.parts;
    const { mailingId, numSettled, numProfiles } = claim;
    const stored = await persister.readMailing(mailingId);
    if (!stored) return;
    const opened = await opener.open(stored);
    if (opened instanceof ContentGone) {
      const end = await runner.release(claim, { kind: 'pause', reason: opened.reason });
      return this.#tell(claim, end);
    }
    const { startIdx } = claim.batch;
    const name = stored.info.name ?? null;
    events.emit('batch:started', { mailingId, name, startIdx, numSettled, numProfiles });
    await this.#tell(claim, await runner.execute(claim, opened, workerSlot, ratePerSecond));
  }

  async #tell({ mailingId, batch }: HeldBatch, { status, mailing }: RunEnd): Promise<void> {
    const { events, faultPoints } = this.parts;
    if (status === 'completed') faultPoints.reach('afterBatchCompleted');
    if (status === 'pending') faultPoints.reach('afterBatchReleased');
    events.emit('batch:ended', { mailingId, startIdx: batch.startIdx, status });
    await this.tellEnd(mailingId, mailing);
  }

  /** @param reached the state that this process has brought a mailing to; only an end and a pause are reported. */
  async tellEnd(mailingId: string, reached: MailingStatus | null): Promise<void> {
    const { reader, events } = this.parts;
    if (reached === null || !ENDS.includes(reached)) return;
    const result = await reader.result(mailingId);
    if (!result) return;
    const { statusReason: reason } = result;
    events.emit('mailing:ended', { ...result, mailingId });
    // Not emitted for pauses that a user requested.
    if (result.status === 'paused' && reason && reason !== PAUSE_REASONS.request) {
      events.emit('mailing:paused', { mailingId, reason });
    }
  }
}

/**
 * A limiter has a slot for each message of a second: a fraction would make none, and the batch would wait for ever.
 *
 * @throws InvalidArgumentError
 */
function assertRate(ratePerSecond: number): void {
  if (Number.isInteger(ratePerSecond) && ratePerSecond >= 1 && ratePerSecond <= MAX_RATE) return;
  const expected = `a whole number from 1 to ${MAX_RATE}`;
  const got = numberOrKindOf(ratePerSecond);
  throw new InvalidArgumentError('run: ratePerSecond', expected, ratePerSecond, got);
}

/** Mailing states that the end of a batch can bring about. */
const ENDS: readonly MailingStatus[] = ['completed', 'paused', 'canceled'];
