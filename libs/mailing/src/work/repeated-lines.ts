/** How long a fault that repeats itself is not told again. */
const QUIET_MS = 60_000;
/** Faults that are remembered; the oldest are forgotten, and told again. */
const MAX_FAULTS = 1_000;

/** Tells each fault once, and then once a minute for as long as it lasts. */
export class RepeatedLines {
  readonly #told = new Map<string, { at: number; numHidden: number }>();

  /** @returns how often it was hidden since it was told; null: it is to be hidden. */
  next(fault: string): number | null {
    const known = this.#told.get(fault);
    const now = performance.now();
    if (known && now - known.at < QUIET_MS) {
      known.numHidden++;
      return null;
    }
    this.#told.delete(fault);
    this.#told.set(fault, { at: now, numHidden: 0 });
    if (this.#told.size > MAX_FAULTS) this.#told.delete(this.#told.keys().next().value as string);
    return known?.numHidden ?? 0;
  }

  /** It is over: the next time, it is news. */
  forget(fault: string): void {
    this.#told.delete(fault);
  }
}
