import { setTimeout as delay } from 'node:timers/promises';
import { type Job, type RedisOptions, WaitingError, Worker } from 'bullmq';
import type { ClaimedBatch } from '../../mailing/src/index.js';
import type { WorkerSlots } from './worker.slots.js';
import { batchOf } from './batch.job.js';
import type { ClusterRateLimiter } from './cluster-rate.limiter.js';
import type { ErrorReporter } from './error.reporter.js';

/**
 * Lock time of a job. A job whose worker died is offered again after at most this time and two checks for jobs of dead workers, which is
 * sooner than its batch is free again. Offering it twice does no harm, because the claim decides.
 */
const LOCK_MS = 5_000;
/** All workers together check for jobs of dead workers at most once in this time, and sometimes half as often. */
const STALLED_POLL_MS = 2_500;
/** While the queue is limited, a worker checks this often whether it is open again early. */
const LIMIT_POLL_MS = 25;
/** Longest time that a worker whose slots are all busy holds a job before it is offered to other workers again. */
const HOLD_MS = 500;
const MAX_STALLED_COUNT = 1_000;

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
  /** Called if the worker can't connect: it will never get a job. */
  onFailure(error: unknown): void;
}

/**
 * Takes jobs from the queue, as many as there are slots, for as long as Redis answers. After an outage, a new worker is made: what the old
 * one knows of its jobs is void.
 *
 * A job ends when its batch has been run, so that a worker with busy slots leaves the other jobs to workers with free slots.
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
      stalledInterval: STALLED_POLL_MS,
      // By default a job is thrown away the second time its worker dies.
      maxStalledCount: MAX_STALLED_COUNT,
      limiter: rateLimiter.limiter,
      maximumRateLimitDelay: LIMIT_POLL_MS,
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

  /** Starts no more jobs. The connection is closed when the jobs in flight have ended. */
  stop(): void {
    this.#stop.abort();
    this.#ending ??= this.#worker.close().catch(() => undefined);
  }

  /** As `stop`, but closes the connection at once: Redis is away, or no caller waits any more. Batches in flight run on. */
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
    if (this.#stop.signal.aborted) return this.#returnJob(job, token);
    const batch = batchOf(job);
    if (!batch) {
      errors.report('reading a job', new Error(`Job ${job.id} (${job.name}) of the queue is not ours.`));
      return this.#reportStarted(0, since);
    }
    if (slots.areAllBusy) {
      await this.#reportStarted(0, since);
      // The slots run batches that were found without Redis. If that takes long, other workers get the job. Without this wait, the worker
      // would take and give back one waiting job after the other.
      await slots.oneFree(AbortSignal.any([this.#stop.signal, AbortSignal.timeout(HOLD_MS)]));
      return this.#returnJob(job, token);
    }
    let claimed: ClaimedBatch | null;
    try {
      claimed = await slots.claim(batch);
    } catch (error) {
      errors.report('claiming a batch', error);
      await this.#reportStarted(0, since);
      // The next claim would fail as well, so wait. This job ends, and the next poll of the database offers its batch again.
      await delay(pollIntervalMs, undefined, { signal: this.#stop.signal, ref: false }).catch(
        () => undefined,
      );
      return;
    }
    if (claimed) await this.#run(claimed, since);
    else await this.#reportStarted(0, since);
  }

  async #returnJob(job: Job<unknown>, token?: string): Promise<never> {
    await job.moveToWait(token);
    throw new WaitingError();
  }

  async #run(claimed: ClaimedBatch, since: number): Promise<void> {
    const { rateLimiter, errors } = this.parts;
    // Begin the run before the call to Redis, which may be slow: a stop waits for runs and not for Redis. No other job starts meanwhile.
    const running = claimed
      .run(rateLimiter.rateOf(claimed.numWaiting))
      .catch((error: unknown) => errors.report('running a batch', error));
    await this.#reportStarted(claimed.numWaiting, since);
    await running;
  }

  #reportStarted(recipients: number, since: number): Promise<void> {
    return this.parts.rateLimiter.taken(recipients, performance.now() - since);
  }
}
