import { SourceUsedUpError } from './refusal.errors.js';

/** Iterators, such as generators, and streams that were begun: they yield nothing to whoever reads them a second time. */
const begun = new WeakSet<object>();

/**
 * Begins to read a list that a host gave. For the plugin and its parts.
 *
 * @param name as the host knows it, for the error.
 * @returns the same list, to be read once.
 * @throws SourceUsedUpError if it is an iterator or a stream that was begun before.
 */
export function beginReading<T>(
  list: Iterable<T> | AsyncIterable<T>,
  name: string,
): Iterable<T> | AsyncIterable<T> {
  assertUnread(list, name);
  // Asked only once, because a list may open its cursor by it.
  if (Symbol.asyncIterator in list) {
    const iterator = list[Symbol.asyncIterator]();
    noteBegun(list, iterator);
    return { [Symbol.asyncIterator]: () => iterator };
  }
  const iterator = list[Symbol.iterator]();
  noteBegun(list, iterator);
  return { [Symbol.iterator]: () => iterator };
}

/** @throws SourceUsedUpError as `beginReading`, and begins nothing. */
export function assertUnread(list: object, name: string): void {
  if (begun.has(list)) throw new SourceUsedUpError(name);
}

function noteBegun(list: object, iterator: object): void {
  // Streams, of Node and of the web, make an iterator for each who asks, over the same contents.
  if (iterator === list || 'pipe' in list || 'getReader' in list) begun.add(list);
}
