import { setMaxListeners } from 'node:events';
import type { PreparedRecipient } from '../../delivery/mailing.delivery.js';
import { LookupFailedError } from '../../delivery/recipients/lookup-failed.error.js';
import type { CommitAnswer } from '../../model/ports/ledger.js';
import { PAUSE_REASONS } from '../../model/states/mailing-status.js';
import { lendWhile } from './lend-worker-slot.js';
import type { MailingRunParts } from './mailing-run.parts.js';
import type { Wait } from '../pacing/wait.js';
import { reasonOf } from '../../model/values/public-text.js';

/** Why the host could not be asked about recipients. */
export interface HostOutage {
  /** The beginning of the reason to pause. */
  what: string;
  reason: string;
}

/**
 * Asks the host about the recipients that a commit has marked: their profiles, whether they may be mailed, what they see in slots.
 *
 * The run waits for it, so it ends at once when nothing is to be begun any more, and other mailings work while the host takes its time.
 */
export class RecipientPreparation {
  #beginning = beginning();

  constructor(private readonly parts: Pick<MailingRunParts, 'delivery' | 'workerSlot'>) {}

  /** What the host is asked at the moment. */
  get wait(): Wait | null {
    return this.parts.delivery.asked;
  }

  /** @returns why the host can't be asked; null if that is not wanted to be known any more. */
  async of({
    marked,
    upcoming,
  }: Extract<CommitAnswer, { kind: 'continue' }>): Promise<PreparedRecipient[] | HostOutage | null> {
    const { signal } = this;
    try {
      const preparing = this.parts.delivery.prepare(marked, upcoming, signal);
      return await lendWhile(this.parts.workerSlot, preparing);
    } catch (error) {
      if (signal.aborted) return null;
      const what = error instanceof LookupFailedError ? PAUSE_REASONS.recipients : PAUSE_REASONS.profiles;
      return { what, reason: reasonOf(error) };
    }
  }

  /** Aborts when nothing is to be begun any more: then no answer of the host is waited for, neither here nor by a message. */
  get signal(): AbortSignal {
    return this.#beginning.signal;
  }

  /** Nothing is to be begun any more. A run that stalled may go on, and begins under a new signal. */
  end(): void {
    this.#beginning.abort();
    this.#beginning = beginning();
  }
}

/** Every message that is being rendered listens to it. */
function beginning(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
