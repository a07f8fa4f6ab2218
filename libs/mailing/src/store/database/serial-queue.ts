import { setImmediate } from 'node:timers/promises';
import type { DataSource } from 'typeorm';

/**
 * Runs one job at a time, in order of arrival.
 *
 * Between two jobs the event loop gets a turn. Embedded databases answer synchronously, so a loop of awaited calls would otherwise never leave the
 * microtask queue, and sockets and timers would starve.
 */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#last.then(job);
    this.#last = result.then(
      () => setImmediate(),
      () => setImmediate(),
    );
    return result;
  }
}

/** One queue for each embedded data source, shared by all users of that data source in this process. */
const queues = new WeakMap<DataSource, SerialQueue>();

export function queueOf(dataSource: DataSource): SerialQueue {
  let queue = queues.get(dataSource);
  if (!queue) queues.set(dataSource, (queue = new SerialQueue()));
  return queue;
}
