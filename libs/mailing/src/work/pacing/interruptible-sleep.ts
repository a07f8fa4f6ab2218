/** A wait that somebody may end early. One at a time; to end one that nobody takes is harmless. */
export class InterruptibleSleep {
  #timer: NodeJS.Timeout | undefined;
  #over: () => void = () => undefined;

  /** @param keepAlive whether the process is not to end by itself meanwhile. */
  take(ms = Number.POSITIVE_INFINITY, keepAlive = true): Promise<void> {
    return new Promise((resolve) => {
      this.#over = resolve;
      if (ms === Number.POSITIVE_INFINITY) return;
      this.#timer = setTimeout(resolve, Math.ceil(ms));
      if (!keepAlive) this.#timer.unref();
    });
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#over();
  }
}
