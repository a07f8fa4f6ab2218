import { AsyncLocalStorage } from 'node:async_hooks';

/** Records what an `AsyncLocalStorage` of the host holds where functions of the host are called. */
export class ContextWitness {
  readonly #storage = new AsyncLocalStorage<string>();
  readonly #seen = new Map<string, Set<string>>();

  /** Runs the work as a request would that keeps this in the storage. */
  within<T>(store: string, work: () => T): T {
    return this.#storage.run(store, work);
  }

  /** Records what the storage holds here, now and after an await. */
  note(what: string): void {
    this.#add(what);
    void Promise.resolve().then(() => this.#add(what));
  }

  /** The same function, with each call recorded. */
  noting<A extends unknown[], R>(what: string, call: (...given: A) => R): (...given: A) => R {
    return (...given) => {
      this.note(what);
      return call(...given);
    };
  }

  forget(): void {
    this.#seen.clear();
  }

  has(what: string): boolean {
    return this.#seen.has(what);
  }

  /** What the storage held in each called function, by function name; `nothing` outside of `within`. */
  get seen(): Record<string, string> {
    return Object.fromEntries([...this.#seen].map(([what, stores]) => [what, [...stores].join(' and ')]));
  }

  #add(what: string): void {
    const stores = this.#seen.get(what) ?? new Set();
    this.#seen.set(what, stores.add(this.#storage.getStore() ?? 'nothing'));
  }
}
