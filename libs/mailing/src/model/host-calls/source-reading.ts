import { isPromise } from 'node:util/types';
import type { AsyncContext } from './async-context.js';
import { askHost, askHostUntimed, HOST_CALL_TIMEOUT_MS, takeFromHost, tellHost } from './host-call.js';
import { SourceProtocolError, SourceConsumedError } from '../errors/request.errors.js';
import type { SourceWatch } from './source-watch.js';
import { Turns } from '../values/turns.js';

/** Iterators (such as generators) and streams that were read from: a second reader would get nothing from them. */
const begun = new WeakSet<object>();

/**
 * Starts to read a list of the host. For the plugin and its parts.
 *
 * - Reading yields the event loop at least every 250 entries or 10 ms.
 * - If `next()` returns something that is no object, reading ends with an error, and `next()` is not called again.
 * - If the reader ends before the list does, it waits for the list's `return()`, for at most 30 s. If an entry is still awaited, or has
 *   failed, it calls `return()` without waiting.
 *
 * @param name name of the list as the host knows it, for the error.
 * @param watch ends the wait for an entry and for `return()`. Default: each entry is awaited without a limit.
 * @returns the same list, to be read once.
 * @throws SourceConsumedError if it is an iterator or a stream that was read from before; SourceProtocolError if it gives no iterator, and
 * while it is read if `next()` breaks the protocol.
 */
export function beginReading<T>(
  list: Iterable<T> | AsyncIterable<T>,
  name: string,
  watch?: SourceWatch,
): AsyncIterable<T> {
  const { list: source, enter }: Given<T> = list instanceof ListOfContext ? list : { list, enter: enterHere };
  if (!isIterable(source)) throw new SourceProtocolError(name, 'the list', source);
  assertUnread(source, name);
  // Called only once, because the call may open a cursor of the list.
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
 * @returns the same list; `beginReading` reads it in that context, even when the plugin reads it later. A cursor of the list may belong to
 * what only the caller has open, for example a transaction.
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

/**
 * True for what `beginReading` accepts. A text is refused, although it could be read letter by letter. For the plugin and its parts.
 *
 * @example
 * ```ts
 * const isList = isIterable(new Set(['ann@home.example'])); // true
 * ```
 */
export function isIterable(list: unknown): list is Iterable<unknown> | AsyncIterable<unknown> {
  if (typeof list !== 'object' || list === null) return false;
  const by = Symbol.asyncIterator in list ? Symbol.asyncIterator : Symbol.iterator;
  return typeof (list as Record<symbol, unknown>)[by] === 'function';
}

/** Does not start to read. @throws SourceConsumedError in the same cases as `beginReading`. */
export function assertUnread(list: object, name: string): void {
  if (begun.has(list)) throw new SourceConsumedError(name);
}

function noteBegun(list: object, iterator: object): void {
  // A stream, of Node or of the web, makes a new iterator at each call, but all of them read the same contents.
  if (iterator === list || 'pipe' in list || 'getReader' in list) begun.add(list);
}

type Source<T> = Iterator<T> | AsyncIterator<T>;

class SourceReading<T> implements AsyncIterator<T> {
  readonly #turns = new Turns();
  /** An entry was requested and has not arrived: it is awaited, or it has failed. */
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
    // An array may hold promises of its entries. `instanceof` would ask the value for its prototype, which may throw.
    const entry = isPromise(value) ? ((await this.#watched(value)) as T) : value;
    this.#isAsked = false;
    return { done, value: entry };
  }

  async #watched(entry: Promise<unknown>): Promise<unknown> {
    if (!this.watch) return entry;
    try {
      return await this.watch.awaitEntry(`the next entry of ${this.name}`, entry);
    } catch (error) {
      if (this.watch.isEnded) this.#tellEnd();
      throw error;
    }
  }

  /** The error of the reader is reported only after this returns, so a list that never ends must not block it. */
  async return(): Promise<IteratorResult<T>> {
    // While an entry is awaited, a generator does not answer `return()`.
    if (this.#isAsked) this.#tellEnd();
    else await this.#end();
    return { done: true, value: undefined };
  }

  async #end(): Promise<void> {
    const call = `return() of ${this.name}`;
    const ended = askHost({ call, timeoutMs: HOST_CALL_TIMEOUT_MS, option: null }, this.#return);
    await (this.watch ? this.watch.awaitEntry(call, ended) : ended);
  }

  /** Does not wait: a wait would keep alive a process that is done. */
  #tellEnd(): void {
    if (this.#isTold) return;
    this.#isTold = true;
    tellHost(this.#return, () => undefined);
  }
}
