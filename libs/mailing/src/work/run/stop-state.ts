import type { RunPhase } from './mailing-run.parts.js';

/**
 * Why a run begins nothing more.
 *
 * Invariant: a fenced run stays fenced. A rewound run can only become fenced: it neither stops nor pauses any more.
 */
export class StopState {
  #current: RunPhase = 'running';
  #beforeStall: RunPhase = 'running';

  get current(): RunPhase {
    return this.#current;
  }

  /** Whether messages that are being rendered must not be handed over. */
  get mayNotLeave(): boolean {
    return this.#current === 'fenced' || this.#current === 'rewound';
  }

  become(how: RunPhase): void {
    if (this.#current === 'fenced' || (this.#current === 'rewound' && how !== 'fenced')) return;
    if (how === 'stalled') this.#beforeStall = this.#current;
    this.#current = how;
  }

  /** The database answers again. @returns whether the run was stalled. */
  endStall(): boolean {
    if (this.#current !== 'stalled') return false;
    this.#current = this.#beforeStall;
    return true;
  }
}
