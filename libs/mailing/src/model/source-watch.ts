/**
 * Watches over the reading of one list of the host: ends the wait for an entry when the list is not wanted any more, and knows since when
 * one is waited for.
 *
 * There is no deadline: a slow list is no failure.
 */
export class SourceWatch {
  /** What is waited for and since when (`performance.now()`); null while nothing is. */
  wait: { what: string; since: number } | null = null;
  #giveUp: ((reason: unknown) => void) | null = null;
  #end: { reason: unknown } | null = null;

  get isEnded(): boolean {
    return this.#end !== null;
  }

  /** The wait that is under way rejects with this, and so does each further one. */
  end(reason: unknown): void {
    this.#end ??= { reason };
    this.#giveUp?.(reason);
  }

  /** @throws what `end` was given; whatever `entry` rejects with. */
  over<T>(what: string, entry: PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const over = (): void => {
        this.wait = null;
        this.#giveUp = null;
      };
      this.wait = { what, since: performance.now() };
      this.#giveUp = (reason) => {
        over();
        reject(reason as Error);
      };
      entry.then(
        (value) => {
          over();
          resolve(value);
        },
        (error: unknown) => {
          over();
          reject(error as Error);
        },
      );
      if (this.#end) this.#giveUp(this.#end.reason);
    });
  }
}
