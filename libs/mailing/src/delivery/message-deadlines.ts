import { setMaxListeners } from 'node:events';

/** Messages that are begun within so long share a deadline, and none of them has less time for it. */
const MAX_SHARE_MS = 100;

/** How long a sender may take to stop after its deadline before its answer is no longer waited for. */
const STOP_GRACE_MS = 1_000;

/** The time of some messages that were begun at about the same moment. */
export interface SharedDeadline {
  /** Aborts when their time is over, or when the process has no more. */
  readonly signal: AbortSignal;
  /** @param giveUp called once if it is still waited for some time after `signal` has aborted. */
  waitFor(giveUp: () => void): void;
  /** It is not waited for any more. */
  over(giveUp: () => void): void;
}

/**
 * Deadlines of the messages of one run.
 *
 * A timer, a signal and its listeners for each message cost as much as rendering it, and are nearly never used. So a signal is
 * shared by those who are begun within a tenth of a second (less where a message has less than a second): it aborts when
 * the youngest of them has had its time. What nobody waits for has no timer, so nothing keeps a process from ending.
 */
export class MessageDeadlines {
  readonly #shareMs: number;
  #current: Deadline | null = null;

  /** @param timeoutMs what each message is granted at least; up to a tenth more, 100 ms at most. */
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
    this.#timer = setTimeout(this.#abort, endsInMs);
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
    if (this.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      for (const giveUp of this.#waiting) giveUp();
    }, STOP_GRACE_MS);
    this.#controller.abort();
  }
}
