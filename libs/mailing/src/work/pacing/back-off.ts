/** Doubling delays with jitter, from one second to five minutes, for something that is nobody's fault and will pass. */
export class BackOff {
  #failures = 0;
  #until = 0;

  constructor(
    private readonly firstMs = 1_000,
    private readonly longestMs = 300_000,
  ) {}

  /** One more failure. Failures of the same outage, reported while it is waited for, count once. @returns the delay. */
  fail(): number {
    if (this.remainingMs() === 0) {
      const full = Math.min(this.longestMs, this.firstMs * 2 ** this.#failures++);
      this.#until = performance.now() + full / 2 + (Math.random() * full) / 2;
    }
    return this.remainingMs();
  }

  /** It works again. */
  succeed(): void {
    this.#failures = 0;
    this.#until = 0;
  }

  /** Milliseconds still to wait. */
  remainingMs(): number {
    return Math.max(0, Math.ceil(this.#until - performance.now()));
  }
}
