/** How often the progress of a mailing is reported. */
export const PROGRESS_MS = 10_000;

/** Counters of a mailing. */
export interface Counts {
  numSent: number;
  numErrors: number;
  numSkipped: number;
  numProfiles: number;
}

/** Measures the rate of a mailing between two reads of its counters. */
export class ProgressMeter {
  #at = performance.now();

  /** @param numSettled the count at the start; null: unknown before the first read. */
  constructor(private numSettled: number | null) {}

  /** @returns null at the first read if there is nothing to compare with; `remainingMs` is null while nothing is settled. */
  look({ numSent, numErrors, numSkipped, numProfiles }: Counts): {
    ratePerSecond: number;
    remainingMs: number | null;
  } | null {
    const now = performance.now();
    const numSettled = numSent + numErrors + numSkipped;
    const before = this.numSettled;
    const perMs = before === null ? 0 : Math.max(0, numSettled - before) / (now - this.#at);
    this.numSettled = numSettled;
    this.#at = now;
    if (before === null) return null;
    const remainingMs = perMs > 0 ? Math.round((numProfiles - numSettled) / perMs) : null;
    return { ratePerSecond: perMs * 1_000, remainingMs };
  }
}
