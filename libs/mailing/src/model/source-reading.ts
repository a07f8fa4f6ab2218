import { isPromise } from 'node:util/types';
import { askHostUntimed } from './host-call.js';
import { SourceProtocolError, SourceUsedUpError } from './refusal.errors.js';
import type { SourceWatch } from './source-watch.js';
import { Turns } from './turns.js';

/** Iterators, such as generators, and streams that were begun: they yield nothing to whoever reads them a second time. */
const begun = new WeakSet<object>();

/**
 * Begins to read a list that a host gave. For the plugin and its parts.
 *
 * Whatever the list is, reading it lets go of the event loop at least every 250 entries or 10 ms, and an answer of `next()` that is
 * no object ends it with an error instead of being asked for again and again.
 *
 * @param name as the host knows it, for the error.
 * @param watch ends the wait for an entry. Default: each entry is waited for as long as it takes.
 * @returns the same list, to be read once.
 * @throws SourceUsedUpError if it is an iterator or a stream that was begun before; SourceProtocolError if it gives no iterator, and
 * while it is read.
 */
export function beginReading<T>(
  list: Iterable<T> | AsyncIterable<T>,
  name: string,
  watch?: SourceWatch,
): AsyncIterable<T> {
  if (!isIterable(list)) throw new SourceProtocolError(name, 'the list', list);
  assertUnread(list, name);
  // Asked only once, because a list may open its cursor by it.
  const iterator: unknown =
    Symbol.asyncIterator in list ? list[Symbol.asyncIterator]() : list[Symbol.iterator]();
  if (typeof iterator !== 'object' || iterator === null)
    throw new SourceProtocolError(name, 'the iterator', iterator);
  noteBegun(list, iterator);
  const reading = new SourceReading(iterator as Source<T>, name, watch);
  return { [Symbol.asyncIterator]: () => reading };
}

/** True for what `beginReading` takes. A text is none, though it could be read letter by letter. */
export function isIterable(list: unknown): list is Iterable<unknown> | AsyncIterable<unknown> {
  if (typeof list !== 'object' || list === null) return false;
  const by = Symbol.asyncIterator in list ? Symbol.asyncIterator : Symbol.iterator;
  return typeof (list as Record<symbol, unknown>)[by] === 'function';
}

/** @throws SourceUsedUpError as `beginReading`, and begins nothing. */
export function assertUnread(list: object, name: string): void {
  if (begun.has(list)) throw new SourceUsedUpError(name);
}

function noteBegun(list: object, iterator: object): void {
  // Streams, of Node and of the web, make an iterator for each who asks, over the same contents.
  if (iterator === list || 'pipe' in list || 'getReader' in list) begun.add(list);
}

type Source<T> = Iterator<T> | AsyncIterator<T>;

class SourceReading<T> implements AsyncIterator<T> {
  readonly #turns = new Turns();

  constructor(
    private readonly source: Source<T>,
    private readonly name: string,
    private readonly watch?: SourceWatch,
  ) {}

  async next(): Promise<IteratorResult<T>> {
    if (this.#turns.isOver()) await this.#turns.next();
    const asked = askHostUntimed(() => this.source.next());
    const result: unknown = await (this.watch ? this.#watched(this.watch, asked) : asked);
    if (typeof result !== 'object' || result === null)
      throw new SourceProtocolError(this.name, 'each answer of next()', result);
    const { done, value } = result as IteratorResult<T>;
    // An array may hold promises of its entries. `instanceof` would ask the value, which may throw.
    return { done, value: isPromise(value) ? ((await value) as T) : value };
  }

  async #watched(watch: SourceWatch, asked: Promise<unknown>): Promise<unknown> {
    try {
      return await watch.over(this.name, asked);
    } catch (error) {
      // Told, and not waited for: it may never answer.
      if (watch.isEnded) void this.return().catch(() => undefined);
      throw error;
    }
  }

  async return(): Promise<IteratorResult<T>> {
    await askHostUntimed(() => this.source.return?.());
    return { done: true, value: undefined };
  }
}
