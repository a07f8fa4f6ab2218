import type { RunPhase } from './mailing-run.parts.js';

/**
 * Why a run begins nothing more.
 *
 * Invariant: a claim that is gone stays gone, and a database that went back is nothing to stop or to pause for any more.
 */
export class StopState {
  #current: RunPhase = 'running';
  #beforeStall: RunPhase = 'running';

  get current(): RunPhase {
    return this.#current;
  }

  /** Whether not even a message that is being made may leave. */
  get mayNotLeave(): boolean {
    return this.#current === 'fenced' || this.#current === 'rewound';
  }

  become(how: RunPhase): void {
    if (this.#current === 'fenced' || (this.#current === 'rewound' && how !== 'fenced')) return;
    if (how === 'stalled') this.#beforeStall = this.#current;
    this.#current = how;
  }

  /** The database answers again. @returns whether it was waited for. */
  endStall(): boolean {
    if (this.#current !== 'stalled') return false;
    this.#current = this.#beforeStall;
    return true;
  }
}
