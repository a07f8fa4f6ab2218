import { setMaxListeners } from 'node:events';

/** Messages that begin within this time share one deadline; none of them gets less than its full time. */
const MAX_SHARE_MS = 100;

/** How long a sender may take to stop after its deadline before its answer is no longer waited for. */
const STOP_GRACE_MS = 1_000;

/** The deadline of messages that began at about the same moment. */
export interface SharedDeadline {
  /** Aborts when their time is over, or when the process has no more time. */
  readonly signal: AbortSignal;
  /** @param giveUp called once if the message is still waited for 1 s after `signal` has aborted. */
  waitFor(giveUp: () => void): void;
  /** The message of this `giveUp` is not waited for any more. */
  over(giveUp: () => void): void;
}

/**
 * Deadlines of the messages of one run.
 *
 * Messages that begin within 100 ms (a tenth of `timeoutMs` if that is less) share one signal. It aborts when the youngest of them has had its
 * full time. Reason: a timer, a signal and its listeners for each message cost as much as rendering it, and are almost never used. A deadline
 * that no message waits for has no timer, so it does not keep the process from ending.
 *
 * A process that could not run for a while finds its timers due and answers in its sockets. Answers are facts, and giving up makes doubt, so the
 * sockets are read first: after a timer the event loop polls them once before `setImmediate`.
 */
export class MessageDeadlines {
  readonly #shareMs: number;
  #current: Deadline | null = null;

  /** @param timeoutMs minimum time of each message; it gets up to a tenth more, at most 100 ms. */
  constructor(private readonly timeoutMs: number) {
    this.#shareMs = Math.min(MAX_SHARE_MS, timeoutMs / 10);
  }

  /** @param stop aborts when the process has no more time. */
  begin(stop: AbortSignal): SharedDeadline {
    if (!this.#current?.isOpen) {
      this.#current = new Deadline(this.timeoutMs + this.#shareMs, this.#shareMs, stop);
    }
    return this.#current;
  }
}

class Deadline implements SharedDeadline {
  readonly #controller = new AbortController();
  readonly #waiting = new Set<() => void>();
  readonly #openUntil: number;
  readonly #abort = (): void => this.#giveUp();
  #timer: NodeJS.Timeout;
  #isOver = false;

  constructor(
    endsInMs: number,
    openMs: number,
    private readonly stop: AbortSignal,
  ) {
    setMaxListeners(0, this.#controller.signal);
    this.#openUntil = performance.now() + openMs;
    this.#timer = setTimeout(() => setImmediate(this.#abort), endsInMs);
    stop.addEventListener('abort', this.#abort, { once: true });
    if (stop.aborted) this.#giveUp();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isOpen(): boolean {
    return !this.#isOver && !this.signal.aborted && performance.now() < this.#openUntil;
  }

  waitFor(giveUp: () => void): void {
    this.#waiting.add(giveUp);
  }

  over(giveUp: () => void): void {
    this.#waiting.delete(giveUp);
    if (this.#waiting.size > 0) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.stop.removeEventListener('abort', this.#abort);
  }

  #giveUp(): void {
    if (this.#isOver || this.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => setImmediate(() => this.#endWaits()), STOP_GRACE_MS);
    this.#controller.abort();
  }

  #endWaits(): void {
    for (const giveUp of this.#waiting) giveUp();
  }
}
