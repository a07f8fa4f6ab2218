import { HostSilentError } from './host-call.js';

/** Longest wait for one entry of a list of the host where no option says otherwise; the default of `run.sourceTimeoutMs`. */
export const SOURCE_TIMEOUT_MS = 600_000;

/**
 * Limits the reading of one list of the host by `beginReading`: ends the wait for an entry when the list is not wanted any more or the
 * entry takes too long, and knows since when an entry is awaited. For the plugin and its parts.
 *
 * @example
 * ```ts
 * declare const recipients: AsyncIterable<string>;
 * const watch = new SourceWatch(60_000, 'orders.sourceTimeoutMs');
 * for await (const recipient of beginReading(recipients, 'recipients', watch)) console.log(recipient);
 * watch.close();
 * ```
 */
export class SourceWatch {
  /** What is awaited and since when (`performance.now()`); null while nothing is. */
  wait: { what: string; since: number } | null = null;
  #giveUp: ((reason: unknown) => void) | null = null;
  #end: { reason: unknown } | null = null;
  /** One timer for many entries: a timer for each would cost more than most entries do. */
  #timer: NodeJS.Timeout | null = null;

  /**
   * @param timeoutMs longest wait for one entry; null: no limit here, the reader has a deadline of its own.
   * @param option name of the option that sets `timeoutMs`, for the error.
   */
  constructor(
    private readonly timeoutMs: number | null,
    private readonly option = 'run.sourceTimeoutMs',
  ) {}

  get isEnded(): boolean {
    return this.#end !== null;
  }

  /** The current wait rejects with `reason`, and so does each later one. */
  end(reason: unknown): void {
    this.#end ??= { reason };
    this.#giveUp?.(reason);
    this.close();
  }

  /** Stops the timer, for a list that is not read any further. A later wait starts it again. */
  close(): void {
    clearTimeout(this.#timer ?? undefined);
    this.#timer = null;
  }

  /** @throws the reason given to `end`; HostSilentError after `timeoutMs`; whatever `entry` rejects with. */
  awaitEntry<T>(what: string, entry: PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const endWait = (): void => {
        this.wait = null;
        this.#giveUp = null;
      };
      this.wait = { what, since: performance.now() };
      if (this.timeoutMs !== null && !this.#timer) this.#lookIn(this.timeoutMs);
      this.#giveUp = (reason) => {
        endWait();
        reject(reason as Error);
      };
      entry.then(
        (value) => {
          endWait();
          resolve(value);
        },
        (error: unknown) => {
          endWait();
          reject(error as Error);
        },
      );
      if (this.#end) this.end(this.#end.reason);
    });
  }

  #lookIn(ms: number): void {
    // Unreferenced, so that it does not keep alive a process that is done.
    this.#timer = setTimeout(() => this.#look(), ms).unref();
  }

  #look(): void {
    this.#timer = null;
    if (!this.wait || this.timeoutMs === null) return;
    const left = Math.ceil(this.wait.since + this.timeoutMs - performance.now());
    if (left > 0) this.#lookIn(left);
    else this.end(new HostSilentError(this.wait.what, this.timeoutMs, this.option));
  }
}
