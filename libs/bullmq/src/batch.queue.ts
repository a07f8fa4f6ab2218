import { setTimeout as delay } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import type { BatchName } from '../../mailing/src/index.js';
import { jobOf } from './batch.job.js';

/** Longest wait for an answer of Redis. A Redis that is silent for longer counts as away. */
const ANSWER_MS = 2_000;

/** The queue, with calls that are answered soon or reject. */
export class BatchQueue {
  readonly #losses = new Set<(error: Error) => void>();

  /** @param queue made with `promptConnection`. */
  constructor(private readonly queue: Queue) {
    // Without a listener, these errors would be written to the console, many for each outage.
    queue.on('error', (error) => this.#lost(error));
    queue.on('ioredis:close', () => this.#lost(new Error('The connection to Redis is closed.')));
  }

  /** @param listener called whenever the connection is lost, and again at each failed attempt to restore it. */
  onLoss(listener: (error: Error) => void): void {
    this.#losses.add(listener);
  }

  /** Jobs that no worker has started yet. */
  numWaiting(): Promise<number> {
    return this.#answer(this.queue.getWaitingCount());
  }

  /** Adds a job for each batch that has none in the queue yet. */
  async add(batches: BatchName[]): Promise<void> {
    await this.#answer(this.queue.addBulk(batches.map(jobOf)));
  }

  /** No worker starts a job for `forMs`. Replaces what is left of an earlier limit. */
  limit(forMs: number): Promise<void> {
    return this.#answer(this.queue.rateLimit(forMs));
  }

  async lift(): Promise<void> {
    await this.#answer(this.queue.removeRateLimitKey());
  }

  /** Closes the connection, in order if Redis answers. Never rejects. */
  async close(): Promise<void> {
    try {
      await this.numWaiting();
      await this.#answer(this.queue.close());
    } catch {
      await this.queue
        .getBackend()
        .close(true)
        .catch(() => undefined);
    }
  }

  #lost(error: Error): void {
    for (const listener of this.#losses) listener(error);
  }

  async #answer<T>(asked: Promise<T>): Promise<T> {
    const timer = new AbortController();
    let whenLost!: (error: Error) => void;
    const lost = new Promise<never>((_, reject) => (whenLost = reject));
    this.#losses.add(whenLost);
    const silence = delay(ANSWER_MS, undefined, { signal: timer.signal, ref: false }).then(() => {
      throw new Error(`Redis did not answer within ${ANSWER_MS} ms.`);
    });
    try {
      return await Promise.race([asked, lost, silence]);
    } finally {
      this.#losses.delete(whenLost);
      timer.abort();
      silence.catch(() => undefined);
    }
  }
}
