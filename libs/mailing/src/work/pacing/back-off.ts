/** Doubling delays, from one second to five minutes by default, each shortened at random by up to half. */
export class BackOff {
  #failures = 0;
  #until = 0;

  constructor(
    private readonly initialDelayMs = 1_000,
    private readonly maxDelayMs = 300_000,
  ) {}

  /**
   * Notes a failure. Failures that are reported during the delay belong to the same outage and count once.
   *
   * @param atLeastMs a longer delay that was asked for.
   * @returns the delay.
   */
  fail(atLeastMs = 0): number {
    const now = performance.now();
    if (this.remainingMs() === 0) {
      const full = Math.min(this.maxDelayMs, this.initialDelayMs * 2 ** this.#failures++);
      this.#until = now + full / 2 + (Math.random() * full) / 2;
    }
    this.#until = Math.max(this.#until, now + atLeastMs);
    return this.remainingMs();
  }

  /** Notes a success: the next failure starts at the shortest delay again. */
  succeed(): void {
    this.#failures = 0;
    this.#until = 0;
  }

  /** For a test: the wait is shorter by that much. */
  passTime(ms: number): void {
    this.#until -= ms;
  }

  /** Milliseconds still to wait. */
  remainingMs(): number {
    return Math.max(0, Math.ceil(this.#until - performance.now()));
  }
}
