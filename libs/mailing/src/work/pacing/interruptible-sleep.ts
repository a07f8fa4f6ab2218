/** A wait that `wake` finishes early. One at a time. Calling `wake` while nothing waits is harmless. */
export class InterruptibleSleep {
  #timer: NodeJS.Timeout | undefined;
  #over: () => void = () => undefined;

  /** @param keepAlive whether the wait keeps the process alive. */
  sleep(ms = Number.POSITIVE_INFINITY, keepAlive = true): Promise<void> {
    return new Promise((resolve) => {
      this.#over = resolve;
      if (ms === Number.POSITIVE_INFINITY) return;
      this.#timer = setTimeout(resolve, Math.ceil(ms));
      if (!keepAlive) this.#timer.unref();
    });
  }

  wake(): void {
    clearTimeout(this.#timer);
    this.#over();
  }
}
