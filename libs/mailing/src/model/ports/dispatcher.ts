/** Names one batch of a mailing. */
export interface BatchName {
  mailingId: string;
  /** Place of its first recipient. */
  startIdx: number;
}

/** A batch that is this process's now. It has to be run, whatever becomes of it there. */
export interface ClaimedBatch extends BatchName {
  /** Recipients that are not settled yet. */
  numWaiting: number;
  /**
   * Works on it until it is through or given back. Never rejects.
   *
   * @param ratePerSecond of this batch alone, beside `run.ratePerSecond` of the process. Default: no limit.
   */
  run(ratePerSecond?: number): Promise<void>;
}

/** What a dispatcher distributes. All of it is answered by the database, which is the only truth. */
export interface BatchWork {
  /**
   * Free batches that may be worked on now, oldest mailing first. Empty while this process is no member of its servers.
   * Rejects if the database can't be asked.
   */
  free(limit: number): Promise<BatchName[]>;
  /** @returns null if it is not free any more, or this process takes up nothing. Rejects if the database can't be asked. */
  claim(batch: BatchName): Promise<ClaimedBatch | null>;
  /** Living servers that take batches, this one included; at least 1. */
  numServers(): Promise<number>;
}

/** What a dispatcher works with. */
export interface DispatcherContext {
  work: BatchWork;
  /** Batches to run at a time in this process. 0: this server takes none and only announces. */
  numBatchThreads: number;
  /** Longest time between two looks at the database, in milliseconds. */
  pollIntervalMs: number;
  /** Says that something failed that will be tried again. */
  reportError(step: string, error: unknown): void;
}

/**
 * Brings free batches to servers with free hands. It only carries the news that there is work: whether a batch is free is
 * settled by `BatchWork.claim`. So news that is lost, doubled or late costs time and never a message, and every dispatcher
 * looks at the database itself at least every `pollIntervalMs`.
 */
export interface Dispatcher {
  /** Called once, when the application is ready. One that takes longer than `run.hostCallTimeoutMs` is reported, and used once it has started. */
  start(context: DispatcherContext): void | Promise<void>;
  /** Batches have become free. Returns at once; what it throws or rejects with is reported. */
  announce(): void;
  /** Takes up nothing more; batches under way end by themselves. Never rejects. */
  stop(): Promise<void>;
}
