import { isPromise } from 'node:util/types';
import type { AsyncContext } from './async-context.js';
import { askHost, askHostUntimed, HOST_CALL_TIMEOUT_MS, takeFromHost, tellHost } from './host-call.js';
import { SourceProtocolError, SourceConsumedError } from '../errors/request.errors.js';
import type { SourceWatch } from './source-watch.js';
import { Turns } from '../values/turns.js';

/** Iterators, such as generators, and streams that were begun: they yield nothing to whoever reads them a second time. */
const begun = new WeakSet<object>();

/**
 * Begins to read a list that a host gave. For the plugin and its parts.
 *
 * Whatever the list is, reading it lets go of the event loop at least every 250 entries or 10 ms, and an answer of `next()` that is
 * no object ends it with an error instead of being asked for again and again. Where the reader ends before the list does, the
 * list's `return()` is waited for, 30 s at the most; it is only told where an entry is still owed.
 *
 * @param name as the host knows it, for the error.
 * @param watch ends the wait for an entry and for `return()`. Default: each entry is waited for as long as it takes.
 * @returns the same list, to be read once.
 * @throws SourceConsumedError if it is an iterator or a stream that was begun before; SourceProtocolError if it gives no iterator, and
 * while it is read.
 */
export function beginReading<T>(
  list: Iterable<T> | AsyncIterable<T>,
  name: string,
  watch?: SourceWatch,
): AsyncIterable<T> {
  const { list: source, enter }: Given<T> = list instanceof ListOfContext ? list : { list, enter: enterHere };
  if (!isIterable(source)) throw new SourceProtocolError(name, 'the list', source);
  assertUnread(source, name);
  // Asked only once, because a list may open its cursor by it.
  const noIterator = (got: unknown): SourceProtocolError =>
    new SourceProtocolError(name, 'the iterator', got);
  const iterator = takeFromHost<unknown>(
    enter(() =>
      Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator](),
    ),
    noIterator,
  );
  if (typeof iterator !== 'object' || iterator === null) throw noIterator(iterator);
  const { next } = iterator as { next?: unknown };
  if (typeof next !== 'function') throw new SourceProtocolError(name, 'next', next, 'a function');
  noteBegun(source, iterator);
  const reading = new SourceReading(iterator as Source<T>, name, enter, watch);
  return { [Symbol.asyncIterator]: () => reading };
}

/**
 * @returns the same list, to be read in that context by `beginReading`, also when the plugin reads it later: a cursor of the caller belongs to what the caller
 * has open, and to nothing else.
 */
export function readIn<T>(
  context: AsyncContext,
  list: Iterable<T> | AsyncIterable<T>,
): Iterable<T> | AsyncIterable<T> {
  return new ListOfContext(list, (call) => context.bind(call));
}

type Enter = <R>(call: () => R) => () => R;

const enterHere: Enter = (call) => call;

interface Given<T> {
  readonly list: Iterable<T> | AsyncIterable<T>;
  readonly enter: Enter;
}

class ListOfContext<T> implements AsyncIterable<T>, Given<T> {
  constructor(
    readonly list: Given<T>['list'],
    readonly enter: Enter,
  ) {}

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return beginReading(this, 'the list')[Symbol.asyncIterator]();
  }
}

/** True for what `beginReading` takes. A text is none, though it could be read letter by letter. */
export function isIterable(list: unknown): list is Iterable<unknown> | AsyncIterable<unknown> {
  if (typeof list !== 'object' || list === null) return false;
  const by = Symbol.asyncIterator in list ? Symbol.asyncIterator : Symbol.iterator;
  return typeof (list as Record<symbol, unknown>)[by] === 'function';
}

/** @throws SourceConsumedError as `beginReading`, and begins nothing. */
export function assertUnread(list: object, name: string): void {
  if (begun.has(list)) throw new SourceConsumedError(name);
}

function noteBegun(list: object, iterator: object): void {
  // Streams, of Node and of the web, make an iterator for each who asks, over the same contents.
  if (iterator === list || 'pipe' in list || 'getReader' in list) begun.add(list);
}

type Source<T> = Iterator<T> | AsyncIterator<T>;

class SourceReading<T> implements AsyncIterator<T> {
  readonly #turns = new Turns();
  /** It owes an entry, or has failed to give one. */
  #isAsked = false;
  #isTold = false;
  /** Made once, not for each entry. */
  readonly #next: () => unknown;
  readonly #return: () => unknown;

  constructor(
    source: Source<T>,
    private readonly name: string,
    enter: Enter,
    private readonly watch?: SourceWatch,
  ) {
    this.#next = enter(() => source.next());
    this.#return = enter(() => source.return?.());
  }

  async next(): Promise<IteratorResult<T>> {
    if (this.#turns.isOver()) await this.#turns.next();
    this.#isAsked = true;
    const result: unknown = await this.#watched(askHostUntimed(this.#next));
    if (typeof result !== 'object' || result === null)
      throw new SourceProtocolError(this.name, 'each answer of next()', result);
    const { done, value } = result as IteratorResult<T>;
    // An array may hold promises of its entries. `instanceof` would ask the value, which may throw.
    const entry = isPromise(value) ? ((await this.#watched(value)) as T) : value;
    this.#isAsked = false;
    return { done, value: entry };
  }

  async #watched(entry: Promise<unknown>): Promise<unknown> {
    if (!this.watch) return entry;
    try {
      return await this.watch.over(`the next entry of ${this.name}`, entry);
    } catch (error) {
      if (this.watch.isEnded) this.#tellEnd();
      throw error;
    }
  }

  /** What failed in the reader is told after this, so a list that never ends must not keep it. */
  async return(): Promise<IteratorResult<T>> {
    // While it owes an entry, a generator answers nothing else.
    if (this.#isAsked) this.#tellEnd();
    else await this.#end();
    return { done: true, value: undefined };
  }

  async #end(): Promise<void> {
    const call = `return() of ${this.name}`;
    const ended = askHost({ call, timeoutMs: HOST_CALL_TIMEOUT_MS, option: null }, this.#return);
    await (this.watch ? this.watch.over(call, ended) : ended);
  }

  /** Without a wait, which would keep a process alive that is done. */
  #tellEnd(): void {
    if (this.#isTold) return;
    this.#isTold = true;
    tellHost(this.#return, () => undefined);
  }
}
