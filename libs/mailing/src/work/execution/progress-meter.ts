/** How often a mailing under way is reported. */
export const PROGRESS_MS = 10_000;

/** What a mailing has come to. */
export interface Counts {
  numSent: number;
  numErrors: number;
  numSkipped: number;
  numProfiles: number;
}

/** How fast a mailing is, from one look at its counters to the next. */
export class ProgressMeter {
  #at = performance.now();

  /** @param numSettled as it begins; null: that is not known before the first look. */
  constructor(private numSettled: number | null) {}

  /** @returns null at the first look where there is nothing to compare with; `remainingMs` is null while nothing is settled. */
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
