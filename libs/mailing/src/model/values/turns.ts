import { setImmediate as nextTurn } from 'node:timers/promises';

const ENTRIES_PER_TURN = 250;
const TURN_MS = 10;

/**
 * Lets a loop over what a host gives yield the event loop regularly, so that timers, signals and other mailings have their turn however
 * long the list is. A turn ends after 250 entries or 10 ms, whichever comes first; a turn costs some microseconds.
 */
export class Turns {
  #entries = 0;
  #since = performance.now();

  /** Counts one entry. @returns whether to call `next()` before going on. */
  isOver(): boolean {
    return ++this.#entries > ENTRIES_PER_TURN || performance.now() - this.#since >= TURN_MS;
  }

  async next(): Promise<void> {
    await nextTurn();
    this.#entries = 0;
    this.#since = performance.now();
  }
}
