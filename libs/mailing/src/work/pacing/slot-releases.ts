/**
 * Counts the reasons for which a run is away from its worker slot.
 *
 * A run may wait for several things at a time, such as a silent source and a function of the host, and each of them releases the slot. The run has
 * one slot, so only the first wait releases it and only the last one takes it back.
 */
export class SlotReleases {
  #count = 0;

  constructor(private readonly slot: { begin(): void; end(): void }) {}

  get isUnderWay(): boolean {
    return this.#count > 0;
  }

  begin(): void {
    if (++this.#count === 1) this.slot.begin();
  }

  end(): void {
    if (--this.#count === 0) this.slot.end();
  }
}
