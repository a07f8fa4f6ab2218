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

  constructor(private readonly durationMs: number) {}

  /** Call before the heartbeat is sent; pass the result to `confirm` once it has succeeded. */
  static moment(): { monotonic: number; wall: number } {
    return { monotonic: performance.now(), wall: Date.now() };
  }

  confirm(begun: { monotonic: number; wall: number }): void {
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
}
