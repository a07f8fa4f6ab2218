import type { BatchQueue } from './batch.queue.js';

/** How long a started job closes the queue until the size of its batch is known. If a server dies just then, the cluster loses this much time. */
const CLAIM_MS = 5_000;

/**
 * One rate for all servers, kept by the queue's own limiter: a job that is started closes the queue, and the claim of its batch says for
 * how long, namely for the time that its recipients take at this rate.
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
   * Rate that a batch itself has to keep to; undefined: no limit. A batch that is no larger than a second's worth can't be too fast. A
   * limit on it would begin with a second of waiting, because the limit does not know that the queue has waited already.
   */
  rateOf(recipients: number): number | undefined {
    return this.ratePerSecond !== undefined && recipients > this.ratePerSecond
      ? this.ratePerSecond
      : undefined;
  }

  /**
   * Call this after a job was started.
   *
   * @param recipients number of recipients of its batch; 0 if no batch was claimed.
   * @param tookMs time since the job was started.
   */
  async taken(recipients: number, tookMs: number): Promise<void> {
    if (this.ratePerSecond === undefined) return;
    try {
      if (recipients > 0) await this.queue.limit(Math.ceil((1_000 * recipients) / this.ratePerSecond));
      // Later than that, it may be the limit of another server's batch.
      else if (tookMs < CLAIM_MS / 2) await this.queue.lift();
    } catch {
      // Redis is away, and so are all jobs; the queue reports it.
    }
  }
}
