import type { BatchName, Dispatcher, DispatcherContext } from '../../model/ports/dispatcher.js';
import { InterruptibleSleep } from '../pacing/interruptible-sleep.js';

/**
 * Batches per poll. All servers read the same head of the list, so each tries random ones of it. With 8 servers of 4 workers that poll in step, lists
 * of 32 cost 1.4 claims for each batch, lists of 128 cost 1.02.
 */
const BATCHES_PER_POLL = 128;
/** After this many full lists in a row of which other servers got every batch, the dispatcher waits for the next interval. */
const MAX_POLLS_IN_VAIN = 3;
/** Spreads the polls of servers that were started together. */
const MIN_JITTER = 0.75;
const JITTER = 0.5;

/**
 * Finds free batches by polling the database: at once after `announce()`, else every `pollIntervalMs`, with jitter.
 *
 * One poll at a time serves all free workers of the process. While there is nothing to do, that is one statement per interval, however many workers
 * there are; while all workers are busy, it is none.
 */
export class PollingDispatcher implements Dispatcher {
  readonly #sleep = new InterruptibleSleep();
  #running = 0;
  #stopped = false;
  #announced = false;
  #pollsInVain = 0;
  #taking: Promise<unknown> = Promise.resolve();

  start(context: DispatcherContext): void {
    if (context.numBatchThreads > 0) void this.#feed(context);
  }

  announce(): void {
    this.#announced = true;
    this.#sleep.wake();
  }

  /** Waits for running claims, because a batch that they win must be run. Does not wait for a poll, which wins nothing. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#sleep.wake();
    await this.#taking;
  }

  async #feed(context: DispatcherContext): Promise<void> {
    while (!this.#stopped) {
      if (this.#freeSlots(context) === 0) await this.#sleep.sleep();
      else if (!(await this.#poll(context))) await this.#pause(context.pollIntervalMs);
    }
  }

  /** @returns whether to poll again at once. */
  async #poll(context: DispatcherContext): Promise<boolean> {
    const limit = Math.max(BATCHES_PER_POLL, 2 * context.numBatchThreads);
    this.#announced = false;
    let free: BatchName[];
    try {
      free = shuffled(await context.work.free(limit));
    } catch (error) {
      context.reportError('looking for free batches', error);
      return false;
    }
    const isFull = free.length >= limit;
    const won = await this.#takeSome(context, free);
    if (won === null) return false;
    this.#pollsInVain = won > 0 ? 0 : this.#pollsInVain + 1;
    // The rest of the list is out of date by the time a worker is free for it.
    if (free.length > 0 || this.#freeSlots(context) === 0) return true;
    // If list after list wins nothing, other servers are faster, or the batches are not for this server.
    return isFull && this.#pollsInVain < MAX_POLLS_IN_VAIN;
  }

  /** @returns how many batches were won; null if the database failed. */
  async #takeSome(context: DispatcherContext, free: BatchName[]): Promise<number | null> {
    let won = 0;
    while (free.length > 0 && !this.#stopped && this.#freeSlots(context) > 0) {
      const tries = free.splice(0, this.#freeSlots(context)).map((batch) => this.#take(context, batch));
      const taking = Promise.allSettled(tries);
      this.#taking = taking;
      const results = await taking;
      won += results.filter((result) => result.status === 'fulfilled' && result.value).length;
      const failed = results.find((result) => result.status === 'rejected');
      if (failed) {
        context.reportError('claiming a batch', failed.reason);
        return null;
      }
    }
    return won;
  }

  /** Runs a batch that was won even after a stop: no other server may. */
  async #take(context: DispatcherContext, batch: BatchName): Promise<boolean> {
    const claimed = await context.work.claim(batch);
    if (!claimed) return false;
    this.#running++;
    void claimed
      .run()
      .catch((error: unknown) => context.reportError('running a batch', error))
      .finally(() => {
        this.#running--;
        this.#sleep.wake();
      });
    return true;
  }

  #freeSlots({ numBatchThreads }: DispatcherContext): number {
    return Math.max(0, numBatchThreads - this.#running);
  }

  async #pause(pollIntervalMs: number): Promise<void> {
    if (this.#announced || this.#stopped) return;
    const due = performance.now() + pollIntervalMs * (MIN_JITTER + JITTER * Math.random());
    // A run that ends meanwhile also ends the sleep, but no poll is due for it: its worker was not needed.
    while (!this.#announced && !this.#stopped && performance.now() < due) {
      // The wait for work must not keep a process alive that has nothing else to do.
      await this.#sleep.sleep(due - performance.now(), false);
    }
  }
}

function shuffled<T>(list: T[]): T[] {
  return list
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
