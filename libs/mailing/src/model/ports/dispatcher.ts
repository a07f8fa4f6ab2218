/** Names one batch of a mailing. */
export interface BatchName {
  mailingId: string;
  /** idx of its first recipient. */
  startIdx: number;
}

/** A batch that this process has claimed. The dispatcher must call `run`, even if it was stopped meanwhile. */
export interface ClaimedBatch extends BatchName {
  /** Recipients that are not settled yet. */
  numWaiting: number;
  /**
   * Works on the batch until it is complete or released. Never rejects.
   *
   * @param ratePerSecond limit of this batch alone, in addition to `run.ratePerSecond` of the process. Default: no limit. A whole number from
   * 1 to 100,000; with another one nothing is sent, `run:failed` says so, and the next sweep frees the batch.
   */
  run(ratePerSecond?: number): Promise<void>;
}

/** What a dispatcher distributes. Every answer comes from the database, which is the only truth. */
export interface BatchWork {
  /**
   * Free batches that may be worked on now, oldest mailing first. Empty while this process is no member of its servers.
   * Rejects if the database can't be asked.
   */
  free(limit: number): Promise<BatchName[]>;
  /** @returns null if the batch is not free any more, or this process claims nothing now. Rejects if the database can't be asked. */
  claim(batch: BatchName): Promise<ClaimedBatch | null>;
  /** Live servers that claim batches, this one included; at least 1. */
  numServers(): Promise<number>;
}

/** What a dispatcher gets at its start. */
export interface DispatcherContext {
  work: BatchWork;
  /** Batches to run at a time in this process. 0: this server claims none and only announces. */
  numBatchThreads: number;
  /** Longest time between two polls of the database, in milliseconds. */
  pollIntervalMs: number;
  /** Reports a failure of a step that will be tried again. */
  reportError(step: string, error: unknown): void;
}

/**
 * Tells servers with free worker slots that there are free batches. It carries only this news: `BatchWork.claim` decides whether a batch is
 * free. So news that is lost, doubled or late costs time and never a message. Every dispatcher also polls the database, at least every
 * `pollIntervalMs`.
 */
export interface Dispatcher {
  /**
   * Called once, when the application is ready. A start that takes longer than `run.hostCallTimeoutMs` is reported; the dispatcher is used
   * once it has started.
   */
  start(context: DispatcherContext): void | Promise<void>;
  /** Batches have become free. Returns at once; what it throws or rejects with is reported. */
  announce(): void;
  /** Claims nothing more; batches that run end by themselves. Never rejects. */
  stop(): Promise<void>;
}
