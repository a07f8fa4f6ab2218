import type { BatchName, BatchWork, ClaimedBatch } from '../../mailing/src/index.js';

/**
 * The slots of this process: the most batches that it runs at a time, whether they came as jobs or were found in the database. Both kinds
 * overlap whenever Redis goes or comes back, because batches that were begun run on.
 */
export class WorkerSlots {
  #busy = 0;
  readonly #claiming = new Set<Promise<unknown>>();
  readonly #waiting = new Set<() => void>();

  /** @param onFree called when all slots were busy and one becomes free. */
  constructor(
    private readonly work: BatchWork,
    private readonly number: number,
    private readonly onFree: () => void,
  ) {}

  get areAllBusy(): boolean {
    return this.#busy >= this.number;
  }

  /** @returns null if all slots are busy, or the batch is not free. Rejects if the database can't be queried. */
  async claim(batch: BatchName): Promise<ClaimedBatch | null> {
    if (this.areAllBusy) return null;
    this.#busy++;
    let claimed: ClaimedBatch | null = null;
    try {
      claimed = await this.#tracked(this.work.claim(batch));
    } finally {
      if (!claimed) this.#letGo();
    }
    if (!claimed) return null;
    const { mailingId, startIdx, numWaiting } = claimed;
    const mine = claimed;
    const run = (rate?: number): Promise<void> => mine.run(rate).finally(() => this.#letGo());
    return { mailingId, startIdx, numWaiting, run };
  }

  /** Resolves when a slot is free, or `signal` aborts. */
  async oneFree(signal: AbortSignal): Promise<void> {
    if (!this.areAllBusy || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        this.#waiting.delete(settle);
        signal.removeEventListener('abort', settle);
        resolve();
      };
      this.#waiting.add(settle);
      signal.addEventListener('abort', settle);
    });
  }

  /** Resolves when no claim is in flight. */
  async claimsEnded(): Promise<void> {
    while (this.#claiming.size > 0) await Promise.allSettled(this.#claiming);
  }

  async #tracked<T>(claiming: Promise<T>): Promise<T> {
    this.#claiming.add(claiming);
    try {
      return await claiming;
    } finally {
      this.#claiming.delete(claiming);
    }
  }

  #letGo(): void {
    const wereAllBusy = this.areAllBusy;
    this.#busy--;
    if (!wereAllBusy) return;
    for (const settle of this.#waiting) settle();
    this.onFree();
  }
}
