/**
 * How long this process may assume that the other servers consider it alive.
 *
 * The others judge by the database's clock. This side can only measure how long ago it *began* the last successful heartbeat, which is never later
 * than the moment that the database noted. It measures with two clocks, because each may stand still: the monotonic clock may not count while a
 * machine is suspended, the wall clock may be set back.
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
      this.#hadGap = this.#isInGap;
      this.#unbrokenSince = begun.monotonic;
    }
    this.#monotonic = begun.monotonic;
    this.#wall = begun.wall;
  }

  revoke(): void {
    this.#monotonic = Number.NEGATIVE_INFINITY;
    this.#wall = Number.NEGATIVE_INFINITY;
  }

  /** False: start nothing more, because another server may be about to take the work over. */
  holds(): boolean {
    return (
      performance.now() - this.#monotonic < this.durationMs &&
      Math.abs(Date.now() - this.#wall) < this.durationMs
    );
  }

  /**
   * True if the lease has held for its whole length. The database answered all that time, so any server that did not renew had the chance to. Before
   * that, leases may have run out because no server could reach the database.
   */
  hasLastedWholly(): boolean {
    return this.holds() && performance.now() - (this.#unbrokenSince ?? Infinity) >= this.durationMs;
  }

  /** True if the lease ran out or was revoked while this process lived, and has not held for its whole length since. */
  isAfterGap(): boolean {
    return (this.#hadGap || this.#isInGap) && !this.hasLastedWholly();
  }

  get #isInGap(): boolean {
    return this.#unbrokenSince !== null && !this.holds();
  }
}
