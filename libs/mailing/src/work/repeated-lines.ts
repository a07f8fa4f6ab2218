/** A repeated fault is not logged again for this long. */
const QUIET_MS = 60_000;
/** Faults that are remembered. The oldest are forgotten, and logged again when they recur. */
const MAX_FAULTS = 1_000;

/** Lets each fault be logged once, and then once a minute for as long as it lasts. */
export class RepeatedLines {
  readonly #told = new Map<string, { at: number; numHidden: number }>();

  /** @returns how often the fault was hidden since its last line; null: hide it. */
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

  /** The fault is over: its next occurrence is logged at once. */
  forget(fault: string): void {
    this.#told.delete(fault);
  }
}
