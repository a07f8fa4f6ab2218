import type {
  BatchName,
  BatchWork,
  ClaimedBatch,
  DispatcherContext,
} from '../../libs/mailing/src/model/ports/dispatcher.js';

export interface RunRecord {
  server: number;
  batch: string;
  ratePerSecond: number | undefined;
}

/** The run of a batch in these tests; it ends when the promise settles. */
export type Running = (batch: string, ratePerSecond: number | undefined) => Promise<void>;

const MAILING = '0199c1f0-0000-7000-8000-00000000000a';

/** Batches in memory instead of a database that several servers share. Claims are as exclusive as real ones. */
export class BatchWorld {
  readonly runs: RunRecord[] = [];
  readonly troubles: { step: string; error: unknown }[] = [];
  /** Calls of `free` and `claim`, in all servers. */
  looks = 0;
  claims = 0;
  /** Calls of `numServers`. */
  counts = 0;
  /** Set to make the database fail. */
  freeFails: Error | null = null;
  claimFails: Error | null = null;
  /** Recipients of each batch. */
  numWaiting = 10;
  numServers = 1;
  running: Running = async () => {};
  readonly #free = new Map<string, BatchName>();
  readonly #inWork = new Map<number, number>();
  readonly mostInWork = new Map<number, number>();
  #next = 0;

  /** Makes batches free. @returns their names. */
  add(number: number): string[] {
    return Array.from({ length: number }, () => {
      const batch = { mailingId: MAILING, startIdx: this.#next++ * 100 };
      this.#free.set(nameOf(batch), batch);
      return nameOf(batch);
    });
  }

  /** Frees a batch again, as if its server had released it. */
  freeAgain(name: string): void {
    this.#free.set(name, { mailingId: MAILING, startIdx: Number(name.split('/')[1]) });
  }

  /** The context of one server's dispatcher. */
  context(server: number, options: { numBatchThreads: number; pollIntervalMs: number }): DispatcherContext {
    return {
      ...options,
      work: this.#work(server),
      reportError: (step, error) => void this.troubles.push({ step, error }),
    };
  }

  get numFree(): number {
    return this.#free.size;
  }

  /** Number of runs of each batch. */
  get runsOfEach(): number[] {
    const times = new Map<string, number>();
    for (const { batch } of this.runs) times.set(batch, (times.get(batch) ?? 0) + 1);
    return [...times.values()];
  }

  #work(server: number): BatchWork {
    return {
      free: async (limit) => {
        this.looks++;
        await turn();
        if (this.freeFails) throw this.freeFails;
        return [...this.#free.values()].slice(0, limit);
      },
      claim: async (batch) => {
        this.claims++;
        await turn();
        if (this.claimFails) throw this.claimFails;
        return this.#free.delete(nameOf(batch)) ? this.#claimed(server, batch) : null;
      },
      numServers: async () => {
        this.counts++;
        return this.numServers;
      },
    };
  }

  #claimed(server: number, batch: BatchName): ClaimedBatch {
    return {
      ...batch,
      numWaiting: this.numWaiting,
      run: async (ratePerSecond) => {
        this.runs.push({ server, batch: nameOf(batch), ratePerSecond });
        this.#count(server, 1);
        try {
          await this.running(nameOf(batch), ratePerSecond);
        } finally {
          this.#count(server, -1);
        }
      },
    };
  }

  #count(server: number, change: number): void {
    const now = (this.#inWork.get(server) ?? 0) + change;
    this.#inWork.set(server, now);
    this.mostInWork.set(server, Math.max(now, this.mostInWork.get(server) ?? 0));
  }
}

export function nameOf({ mailingId, startIdx }: BatchName): string {
  return `${mailingId}/${startIdx}`;
}

/** A run that ends when the test says so. */
export class HeldRuns {
  readonly #release: (() => void)[] = [];

  readonly run: Running = () => new Promise((resolve) => this.#release.push(resolve));

  get held(): number {
    return this.#release.length;
  }

  release(number = this.#release.length): void {
    for (const release of this.#release.splice(0, number)) release();
  }
}

/** A database answers in a later turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
