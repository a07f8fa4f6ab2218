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
 * Asks the host about the recipients that a commit has marked: their profiles, whether they may be mailed, and their slot contents.
 *
 * The run waits for the answers. So preparation ends at once when the run begins nothing more, and other mailings use the worker slot while the host
 * takes its time.
 */
export class RecipientPreparation {
  #beginning = beginning();

  constructor(private readonly parts: Pick<MailingRunParts, 'delivery' | 'workerSlot'>) {}

  /** The host call that is being waited for. */
  get wait(): Wait | null {
    return this.parts.delivery.asked;
  }

  /** @returns why the host can't be asked; null if the run begins nothing more, so that no answer is needed. */
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

  /** Aborts when the run begins nothing more: then neither the preparation nor a message waits for an answer of the host. */
  get signal(): AbortSignal {
    return this.#beginning.signal;
  }

  /** The run begins nothing more. A stalled run may go on later, and then uses a new signal. */
  end(): void {
    this.#beginning.abort();
    this.#beginning = beginning();
  }
}

/** Every message that is being rendered listens to it: more than ten listeners are no leak. */
function beginning(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
