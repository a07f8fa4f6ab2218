/**
 * How long this process may go on believing that it is alive in the eyes of the others.
 *
 * The others judge by the database's clock; this side can only measure how long ago it *began* the last heartbeat that
 * succeeded, which is never later than the moment the database noted. It measures with two clocks, because each has a way
 * to stand still: the monotonic clock may not count while a machine is suspended, the wall clock may be set back.
 */
export class Lease {
  #monotonic = Number.NEGATIVE_INFINITY;
  #wall = Number.NEGATIVE_INFINITY;
  #unbrokenSince: number | null = null;
  #hadGap = false;

  constructor(private readonly durationMs: number) {}

  /** Call before the heartbeat is sent; pass the result to `confirm` once it has succeeded. */
  static moment(): { monotonic: number; wall: number } {
    return { monotonic: performance.now(), wall: Date.now() };
  }

  confirm(begun: { monotonic: number; wall: number }): void {
    if (!this.holds()) {
      this.#hadGap = this.#unbrokenSince !== null;
      this.#unbrokenSince = begun.monotonic;
    }
    this.#monotonic = begun.monotonic;
    this.#wall = begun.wall;
  }

  revoke(): void {
    this.#monotonic = Number.NEGATIVE_INFINITY;
    this.#wall = Number.NEGATIVE_INFINITY;
  }

  /** False: start nothing more, somebody may be about to take the work over. */
  holds(): boolean {
    return (
      performance.now() - this.#monotonic < this.durationMs &&
      Math.abs(Date.now() - this.#wall) < this.durationMs
    );
  }

  /**
   * True if it has held for its whole length: the database answered all the time, so whoever did not renew meanwhile had the
   * chance to. Before, leases may have run out because nobody could reach the database.
   */
  hasLastedWholly(): boolean {
    return this.holds() && performance.now() - (this.#unbrokenSince ?? Infinity) >= this.durationMs;
  }

  /** True if it ran out or was lost while this process lived, and has not lasted wholly since. */
  isAfterGap(): boolean {
    return this.#hadGap && !this.hasLastedWholly();
  }
}
