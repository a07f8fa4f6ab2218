import { setTimeout as delay } from 'node:timers/promises';
import type { Beat, BeatAnswer } from '../model/ledger.js';
import { BackOff } from './back-off.js';
import type { MailingRunParts } from './mailing-run.parts.js';

/**
 * Writes beats, again as a whole where the database fails.
 *
 * A beat that could not be written is kept and comes first the next time, exactly as it was: if it was committed and only
 * the answer got lost, the ledger recognizes the repetition, which it could not if anything had been added.
 */
export class BeatWriter {
  #unwritten: Beat | null = null;

  constructor(private readonly parts: Pick<MailingRunParts, 'mailingId' | 'ledger' | 'options' | 'events'>) {}

  get hasUnwritten(): boolean {
    return this.#unwritten !== null;
  }

  /**
   * @param next puts the next beat together; not called while there is one that could not be written.
   * @param stop aborts when there is no more time.
   * @param isLost asked after each failure, because somebody else may have taken the slice over meanwhile.
   * @returns the beat with its answer, or null if it can't be written for too long.
   */
  async write(
    next: () => Beat,
    stop: AbortSignal,
    isLost: () => boolean,
  ): Promise<{ beat: Beat; answer: BeatAnswer } | null> {
    const beat = (this.#unwritten ??= next());
    const { mailingId, events, ledger, options } = this.parts;
    const giveUpAt = performance.now() + options.databasePatienceMs;
    const backOff = new BackOff(50, 5_000);
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await ledger.beat(beat);
        this.#unwritten = null;
        return { beat, answer };
      } catch (error) {
        const delayMs = backOff.fail();
        if (performance.now() + delayMs > giveUpAt || stop.aborted) {
          events.emit('run:stalled', { mailingId, error });
          return null;
        }
        events.emit('run:beat-retried', { mailingId, error, attempt, delayMs });
        await delay(delayMs, undefined, { signal: stop }).catch(() => undefined);
        if (isLost()) return { beat, answer: { kind: 'lost' } };
      }
    }
  }
}
