import { setImmediate } from 'node:timers/promises';
import type { DataSource, QueryRunner } from 'typeorm';

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

/** One queue for each embedded data source, and for each query runner of the host, shared by all their users in this process. */
const queues = new WeakMap<DataSource | QueryRunner, SerialQueue>();

export function queueOf(owner: DataSource | QueryRunner): SerialQueue {
  let queue = queues.get(owner);
  if (!queue) queues.set(owner, (queue = new SerialQueue()));
  return queue;
}
