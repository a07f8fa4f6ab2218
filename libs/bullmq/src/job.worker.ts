import { setTimeout as delay } from 'node:timers/promises';
import { type Job, type RedisOptions, WaitingError, Worker } from 'bullmq';
import type { ClaimedBatch } from '../../mailing/src/index.js';
import type { WorkerSlots } from './worker.slots.js';
import { batchOf } from './batch.job.js';
import type { ClusterRateLimiter } from './cluster-rate.limiter.js';
import type { ErrorReporter } from './error.reporter.js';

/**
 * A job whose worker died is offered again after at most this and two looks, which is sooner than its batch is free again; and
 * offering it twice does no harm, because the claim decides.
 */
const LOCK_MS = 5_000;
/** All workers together look no more often than this for jobs of dead ones, and sometimes half as often. */
const STALLED_LOOK_MS = 2_500;
/** A limited queue is asked so often whether it is open again before its time. */
const LIMIT_LOOK_MS = 25;
/** Longest time that a job is held by a worker whose slots are all busy, before it is offered to others again. */
const HOLD_MS = 500;
const OFTEN = 1_000;

export interface JobWorkerParts {
  queueName: string;
  prefix: string;
  /** Made with `workerConnection`. */
  connection: RedisOptions;
  numBatchThreads: number;
  pollIntervalMs: number;
  slots: WorkerSlots;
  rateLimiter: ClusterRateLimiter;
  errors: ErrorReporter;
  /** It will never get a job. */
  onFailure(error: unknown): void;
}

/**
 * Takes jobs from the queue, as many as there are hands, for as long as Redis answers. A new one is made when it answers again:
 * what a worker knows of its jobs is void after an outage.
 *
 * A job ends when its batch has been run, so that a worker with busy slots leaves the others to those whose slots are free.
 */
export class JobWorker {
  readonly #worker: Worker;
  readonly #stop = new AbortController();
  #ending: Promise<void> | null = null;

  constructor(private readonly parts: JobWorkerParts) {
    const { queueName, prefix, connection, numBatchThreads, pollIntervalMs, rateLimiter, errors } = parts;
    this.#worker = new Worker(queueName, (job, token) => this.#process(job, token), {
      connection,
      prefix,
      concurrency: numBatchThreads,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_LOOK_MS,
      // By default a job is thrown away the second time its worker dies.
      maxStalledCount: OFTEN,
      limiter: rateLimiter.limiter,
      maximumRateLimitDelay: LIMIT_LOOK_MS,
      runRetryDelay: Math.min(pollIntervalMs, LOCK_MS),
    });
    this.#worker.on('error', (error) => {
      if (!this.#stop.signal.aborted) errors.ofWorker(error);
    });
    this.#worker.waitUntilReady().catch((error: unknown) => {
      if (!this.#stop.signal.aborted) parts.onFailure(error);
    });
  }

  get isAlive(): boolean {
    return this.#worker.isRunning();
  }

  /** Takes up nothing more. The connection is closed when the jobs under way have ended. */
  stop(): void {
    this.#stop.abort();
    this.#ending ??= this.#worker.close().catch(() => undefined);
  }

  /** As `stop`, at once: Redis is away, or nobody waits for it any more. Batches under way run on. */
  cut(): void {
    this.#stop.abort();
    this.#ending ??= this.#worker.close(true).catch(() => undefined);
    void this.#worker
      .getBackend()
      .close(true)
      .catch(() => undefined);
  }

  /** Resolves after `stop`, when Redis knows that the jobs have ended. */
  async ended(): Promise<void> {
    await this.#ending;
  }

  async #process(job: Job<unknown>, token?: string): Promise<void> {
    const { slots, errors, pollIntervalMs } = this.parts;
    const since = performance.now();
    if (this.#stop.signal.aborted) return this.#giveBack(job, token);
    const batch = batchOf(job);
    if (!batch) {
      errors.report('reading a job', new Error(`Job ${job.id} (${job.name}) of the queue is not ours.`));
      return this.#came(0, since);
    }
    if (slots.areAllBusy) {
      await this.#came(0, since);
      // Batches that were found without Redis are still being run. Others get the job if it takes long; in a hurry, this
      // worker would hold no job but go through all of them.
      await slots.oneFree(AbortSignal.any([this.#stop.signal, AbortSignal.timeout(HOLD_MS)]));
      return this.#giveBack(job, token);
    }
    let claimed: ClaimedBatch | null;
    try {
      claimed = await slots.claim(batch);
    } catch (error) {
      errors.report('claiming a batch', error);
      await this.#came(0, since);
      // The next claim would fail as well. This job ends, and the next look at the database brings it back.
      await delay(pollIntervalMs, undefined, { signal: this.#stop.signal, ref: false }).catch(
        () => undefined,
      );
      return;
    }
    if (claimed) await this.#run(claimed, since);
    else await this.#came(0, since);
  }

  async #giveBack(job: Job<unknown>, token?: string): Promise<never> {
    await job.moveToWait(token);
    throw new WaitingError();
  }

  async #run(claimed: ClaimedBatch, since: number): Promise<void> {
    const { rateLimiter, errors } = this.parts;
    // At once: Redis may take its time, and a stop waits for runs and not for it. No other job starts meanwhile.
    const running = claimed
      .run(rateLimiter.rateOf(claimed.numWaiting))
      .catch((error: unknown) => errors.report('running a batch', error));
    await this.#came(claimed.numWaiting, since);
    await running;
  }

  #came(recipients: number, since: number): Promise<void> {
    return this.parts.rateLimiter.taken(recipients, performance.now() - since);
  }
}
