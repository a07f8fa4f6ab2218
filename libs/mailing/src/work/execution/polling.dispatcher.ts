import type { BatchName, Dispatcher, DispatcherContext } from '../../model/ports/dispatcher.js';
import { InterruptibleSleep } from '../pacing/interruptible-sleep.js';

/**
 * Batches of one look. All servers look at the same head of the list, so each takes random ones of it. With 8 servers of 4
 * hands that keep in step, lists of 32 cost 1.4 claims for each batch, lists of 128 cost 1.02.
 */
const LOOK = 128;
/** Full looks in a row of which others got everything, before it waits like everybody with nothing to do. */
const LOOKS_IN_VAIN = 3;
/** So that servers that were started together do not look together. */
const LEAST_JITTER = 0.75;
const JITTER = 0.5;

/**
 * Finds free batches by looking at the database: at once after `announce()`, else every `pollIntervalMs`, with jitter.
 *
 * One look at a time serves all hands of the process that are free. While there is nothing to do that is one statement for
 * each interval, however many hands there are; while all hands are busy it is none.
 */
export class PollingDispatcher implements Dispatcher {
  readonly #sleep = new InterruptibleSleep();
  #running = 0;
  #stopped = false;
  #announced = false;
  #looksInVain = 0;
  #taking: Promise<unknown> = Promise.resolve();

  start(context: DispatcherContext): void {
    if (context.numBatchThreads > 0) void this.#feed(context);
  }

  announce(): void {
    this.#announced = true;
    this.#sleep.end();
  }

  /** Waits for claims under way, because what they win has to be run; not for a look, which wins nothing. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#sleep.end();
    await this.#taking;
  }

  async #feed(context: DispatcherContext): Promise<void> {
    while (!this.#stopped) {
      if (this.#freeHands(context) === 0) await this.#sleep.take();
      else if (!(await this.#poll(context))) await this.#pause(context.pollIntervalMs);
    }
  }

  /** @returns whether to look again at once. */
  async #poll(context: DispatcherContext): Promise<boolean> {
    const limit = Math.max(LOOK, 2 * context.numBatchThreads);
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
    this.#looksInVain = won > 0 ? 0 : this.#looksInVain + 1;
    // The rest of the list is old by the time there is a hand for it.
    if (free.length > 0 || this.#freeHands(context) === 0) return true;
    // A list that wins nothing again and again belongs to servers that are faster, or is not for us.
    return isFull && this.#looksInVain < LOOKS_IN_VAIN;
  }

  /** @returns how many were won; null if the database can't be asked. */
  async #takeSome(context: DispatcherContext, free: BatchName[]): Promise<number | null> {
    let won = 0;
    while (free.length > 0 && !this.#stopped && this.#freeHands(context) > 0) {
      const tries = free.splice(0, this.#freeHands(context)).map((batch) => this.#take(context, batch));
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

  /** What is won is run even if we are stopped by now: nobody else may. */
  async #take(context: DispatcherContext, batch: BatchName): Promise<boolean> {
    const claimed = await context.work.claim(batch);
    if (!claimed) return false;
    this.#running++;
    void claimed
      .run()
      .catch((error: unknown) => context.reportError('running a batch', error))
      .finally(() => {
        this.#running--;
        this.#sleep.end();
      });
    return true;
  }

  #freeHands({ numBatchThreads }: DispatcherContext): number {
    return Math.max(0, numBatchThreads - this.#running);
  }

  async #pause(pollIntervalMs: number): Promise<void> {
    if (this.#announced || this.#stopped) return;
    const due = performance.now() + pollIntervalMs * (LEAST_JITTER + JITTER * Math.random());
    // A run that ends meanwhile wakes us too, but no look is due for it: its hand was not missed.
    while (!this.#announced && !this.#stopped && performance.now() < due) {
      // Waiting for work must not keep a process alive that has nothing else to do.
      await this.#sleep.take(due - performance.now(), false);
    }
  }
}

function shuffled<T>(list: T[]): T[] {
  return list
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
