import type { BatchName, BatchWork, ClaimedBatch } from '../../mailing/src/index.js';
import type { WorkerSlots } from './worker.slots.js';

/**
 * The batches that a server finds by itself while Redis is away, run at the server's share of the cluster's rate.
 *
 * Each batch gets the share of one slot. If the server's share is less than one recipient per second and slot, fewer slots are used.
 */
export class RateLimitedBatchWork implements BatchWork {
  #perSecond = 1;
  #running = 0;

  constructor(
    private readonly work: BatchWork,
    private readonly slots: WorkerSlots,
    private readonly numBatchThreads: number,
    private readonly clusterRatePerSecond: number | undefined,
  ) {}

  /** Empty while no batch could be claimed here, so that the database is not queried in vain. */
  async free(limit: number): Promise<BatchName[]> {
    if (this.slots.areAllBusy) return [];
    if (this.clusterRatePerSecond !== undefined) {
      const share = this.clusterRatePerSecond / (await this.work.numServers());
      this.#perSecond = Math.max(1, Math.floor(share));
      if (this.#running >= this.#usableSlots) return [];
    }
    return this.work.free(limit);
  }

  async claim(batch: BatchName): Promise<ClaimedBatch | null> {
    if (this.clusterRatePerSecond === undefined) return this.slots.claim(batch);
    if (this.#running >= this.#usableSlots) return null;
    this.#running++;
    let claimed: ClaimedBatch | null = null;
    try {
      claimed = await this.slots.claim(batch);
    } finally {
      if (!claimed) this.#running--;
    }
    return claimed && this.#paced(claimed);
  }

  numServers(): Promise<number> {
    return this.work.numServers();
  }

  get #usableSlots(): number {
    return Math.min(this.numBatchThreads, this.#perSecond);
  }

  #paced(claimed: ClaimedBatch): ClaimedBatch {
    const perSlot = Math.floor(this.#perSecond / this.#usableSlots);
    return { ...claimed, run: () => claimed.run(perSlot).finally(() => this.#running--) };
  }
}
