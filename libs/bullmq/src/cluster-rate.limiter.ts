import type { BatchQueue } from './batch.queue.js';

/** No second job starts while the size of the first one is being found out; a server that dies just then costs this much. */
const CLAIM_MS = 5_000;

/**
 * One rate for all servers, kept by the queue's own limiter: a job that is taken up closes the queue, and its claim says for
 * how long, namely as long as its recipients are at this rate.
 */
export class ClusterRateLimiter {
  constructor(
    private readonly queue: BatchQueue,
    /** Recipients per second of all servers together; undefined: no limit. */
    readonly ratePerSecond: number | undefined,
  ) {}

  /** The same for all workers of the queue. */
  get limiter(): { max: number; duration: number } | undefined {
    return this.ratePerSecond === undefined ? undefined : { max: 1, duration: CLAIM_MS };
  }

  /**
   * What a batch itself has to keep to. One that is no larger than a second's worth can't be too fast, and needs no limit,
   * which would begin with a second of waiting because it cannot know that the queue has waited already.
   */
  rateOf(recipients: number): number | undefined {
    return this.ratePerSecond !== undefined && recipients > this.ratePerSecond
      ? this.ratePerSecond
      : undefined;
  }

  /**
   * After a job was taken up.
   *
   * @param recipients that it brings; 0 if it came to nothing.
   * @param tookMs since it was taken up.
   */
  async taken(recipients: number, tookMs: number): Promise<void> {
    if (this.ratePerSecond === undefined) return;
    try {
      if (recipients > 0) await this.queue.limit(Math.ceil((1_000 * recipients) / this.ratePerSecond));
      // Later than that, it may be the limit of somebody else's batch.
      else if (tookMs < CLAIM_MS / 2) await this.queue.lift();
    } catch {
      // Redis is away, and with it all jobs; the queue says so itself.
    }
  }
}
