import { setTimeout as delay } from 'node:timers/promises';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { type Dispatcher, type DispatcherContext, PollingDispatcher } from '../../mailing/src/index.js';
import { WorkerSlots } from './worker.slots.js';
import { BatchQueue } from './batch.queue.js';
import { JobWorker } from './job.worker.js';
import { ClusterRateLimiter } from './cluster-rate.limiter.js';
import { ErrorReporter } from './error.reporter.js';
import type { MailingBullMqSettings } from './mailing-bull-mq.options.js';
import { workerConnection } from './redis-connections.js';
import { RateLimitedBatchWork } from './rate-limited-batch.work.js';

/** Batches read and offered at a time, so that Redis never holds the batches of a whole large mailing. */
const MAX_OFFERED = 1_000;
/** With this many jobs waiting, no server lacks work, and the database is not queried. */
const ENOUGH_WAITING = 500;
/** The interval gets a random factor from 0.75 to 1.25, so that servers that were started together do not query together. */
const MIN_JITTER = 0.75;
const JITTER = 0.5;
/** Interval at which a Redis that is away is tried, if `pollIntervalMs` is longer. */
const RECONNECT_POLL_MS = 1_000;
/** Longest wait at shutdown until Redis knows that the jobs of this process have ended; their batches have by then. */
const FINAL_REPORT_MS = 2_000;

/** State of one `start`. */
interface Service {
  context: DispatcherContext;
  slots: WorkerSlots;
  errors: ErrorReporter;
}

/**
 * Announces free batches through Redis. Each is a job of a BullMQ queue, so a server with free slots gets it within milliseconds, and the
 * queue's limiter gives all servers one rate.
 *
 * The database is the truth. A job holds only the name of its batch, and the worker that starts it has to claim the batch in the database.
 * Every `pollIntervalMs`, and after `announce()`, the free batches of the database are offered again, each as the one job that has its
 * name. So whatever Redis lost is back after one interval at the latest. While Redis does not answer, a `PollingDispatcher` replaces it,
 * and the error is reported once for each outage.
 *
 * A server that dies leaves its jobs locked for up to 10 seconds, less than the lease of its batches lasts by default.
 */
export class BullMqDispatcher implements Dispatcher, BeforeApplicationShutdown {
  readonly #queue: BatchQueue;
  readonly #rateLimiter: ClusterRateLimiter;
  #service: Service | null = null;
  #worker: JobWorker | null = null;
  /** Set while Redis is away. */
  #standIn: PollingDispatcher | null = null;
  #isAway = false;
  /** How often the connection was lost, or an attempt to restore it failed. */
  #losses = 0;
  #stopped = false;
  #announced = false;
  #wake: (() => void) | null = null;

  constructor(
    queue: Queue,
    private readonly settings: MailingBullMqSettings,
  ) {
    this.#queue = new BatchQueue(queue);
    this.#queue.onLoss((error) => this.#lost(error));
    this.#rateLimiter = new ClusterRateLimiter(this.#queue, settings.clusterRatePerSecond ?? undefined);
  }

  start(context: DispatcherContext): void {
    if (this.#stopped || this.#service) return;
    const { work, numBatchThreads } = context;
    this.#service = {
      context,
      slots: new WorkerSlots(work, numBatchThreads, () => this.#standIn?.announce()),
      errors: new ErrorReporter((step, error) => context.reportError(step, error)),
    };
    void this.#keepOffering(this.#service);
  }

  announce(): void {
    this.#announced = true;
    this.#wake?.();
    this.#standIn?.announce();
  }

  /** Waits for claims in flight, because the batches that they win have to be run. Does not wait for Redis. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake?.();
    this.#worker?.stop();
    await this.#standIn?.stop();
    await this.#service?.slots.claimsEnded();
  }

  /** Tells Redis which jobs have ended, if it answers, and closes the connections. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.stop();
    const timer = new AbortController();
    const goodbye = delay(FINAL_REPORT_MS, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([this.#worker?.ended(), goodbye]);
    timer.abort();
    this.#worker?.cut();
    await this.#queue.close();
  }

  async #keepOffering(service: Service): Promise<void> {
    const { numBatchThreads, pollIntervalMs } = service.context;
    // A server that runs no batches does not query for any.
    if (numBatchThreads === 0) await this.#pause(null);
    while (!this.#stopped) {
      this.#announced = false;
      await this.#offer(service);
      // While Redis is away, each attempt ends at Redis, before the database is queried.
      const intervalMs = this.#isAway ? Math.min(pollIntervalMs, RECONNECT_POLL_MS) : pollIntervalMs;
      await this.#pause(numBatchThreads === 0 ? null : intervalMs * (MIN_JITTER + JITTER * Math.random()));
    }
  }

  /** Offers the free batches, and finds out whether Redis answers. */
  async #offer({ context, errors }: Service): Promise<void> {
    const losses = this.#losses;
    try {
      if ((await this.#queue.numWaiting()) < ENOUGH_WAITING) {
        const free = await context.work.free(MAX_OFFERED).catch((error: unknown) => {
          errors.report('looking for free batches', error);
          return [];
        });
        if (free.length > 0) await this.#queue.add(free);
      }
      // Redis may have gone away while the database was queried.
      if (losses === this.#losses) this.#found();
    } catch (error) {
      this.#lost(error);
    }
  }

  #lost(error: unknown): void {
    this.#losses++;
    const service = this.#service;
    if (!service || this.#isAway || this.#stopped) return;
    this.#isAway = true;
    service.errors.report('reaching Redis', error);
    // The loop may be asleep for a whole interval, and Redis may be back sooner.
    this.#wake?.();
    this.#worker?.cut();
    this.#worker = null;
    const { context, slots } = service;
    const { work, numBatchThreads } = context;
    const share = new RateLimitedBatchWork(work, slots, numBatchThreads, this.#rateLimiter.ratePerSecond);
    this.#standIn = new PollingDispatcher();
    this.#standIn.start({ ...context, work: share });
  }

  #found(): void {
    if (!this.#service || this.#stopped) return;
    this.#isAway = false;
    void this.#standIn?.stop();
    this.#standIn = null;
    if (this.#worker && !this.#worker.isAlive) {
      this.#worker.cut();
      this.#worker = null;
    }
    if (this.#service.context.numBatchThreads > 0) this.#worker ??= this.#newWorker(this.#service);
  }

  #newWorker({ context, slots, errors }: Service): JobWorker {
    const { queueName, prefix, connection } = this.settings;
    return new JobWorker({
      queueName,
      prefix,
      connection: workerConnection(connection),
      numBatchThreads: context.numBatchThreads,
      pollIntervalMs: context.pollIntervalMs,
      slots,
      rateLimiter: this.#rateLimiter,
      errors,
      onFailure: (error) => this.#lost(error),
    });
  }

  /** @param forMs null: until `announce()` or `stop()` is called. */
  async #pause(forMs: number | null): Promise<void> {
    if (this.#announced || this.#stopped) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (forMs !== null) timer = setTimeout(resolve, forMs).unref();
    });
    clearTimeout(timer);
    this.#wake = null;
  }
}
