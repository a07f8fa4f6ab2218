import { AsyncResource } from 'node:async_hooks';

/**
 * Captures the asynchronous context in which it is created: the current value of each `AsyncLocalStorage` of the process. Later work can be
 * run in that context. For the plugin and its parts.
 *
 * @example
 * ```ts
 * const start = new AsyncContext();
 * start.run(() => console.log('not in the context of the request that asks for it'));
 * ```
 */
export class AsyncContext {
  readonly #moment = new AsyncResource('nestjs-mailing');

  /**
   * Costs some 10 ns.
   *
   * @returns what `work` returns. What `work` starts continues in this context; the caller that awaits it stays in its own.
   * @throws what `work` throws.
   */
  run<T>(work: () => T): T {
    return this.#moment.runInAsyncScope(work);
  }

  /** The same function; each call of it runs in this context. */
  bind<T>(work: () => T): () => T {
    return () => this.run(work);
  }
}

/**
 * The context in which the module was started. All work of the plugin runs in it, and not in the context of the caller that asks for the
 * work: a run outlives the request that began it, serves other requests too, and goes on after a restart without any request. In the
 * context of a caller, it would read and write within the transaction that the caller has open there.
 *
 * What the caller gave is read in the caller's own context: lists, contents of slots, streams of attachments, `onProgress`. For the plugin
 * and its parts.
 *
 * @example
 * ```ts
 * const start = new ModuleContext();
 * await start.begin(async () => console.log('not in the context of the request that asks for it'));
 * ```
 */
export class ModuleContext extends AsyncContext {
  readonly #handedOver: (() => void)[] = [];
  #wake: () => void = () => undefined;

  constructor() {
    super();
    void this.#serve();
  }

  /**
   * As `run`, but on a call stack of its own: `cls-hooked`, the default of `typeorm-transactional`, keeps the caller's store for everything
   * that is called on the caller's stack.
   *
   * @throws what `work` throws or rejects with.
   */
  begin<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#handedOver.push(() => void this.run(async () => work()).then(resolve, reject));
      this.#wake();
    });
  }

  /** Never returns. It is garbage-collected with this object, because nothing else holds the promise that it awaits. */
  async #serve(): Promise<never> {
    for (;;) {
      if (this.#handedOver.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
      else this.#handedOver.shift()?.();
    }
  }
}
