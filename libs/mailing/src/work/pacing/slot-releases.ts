/**
 * A run waits for several things at a time (its source is silent, and so is a function of the host), each of which takes it off its place.
 * It has one place, so only the first of them begins an absence, and only the last ends it.
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
