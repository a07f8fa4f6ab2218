import type { Beat } from '../../model/ports/ledger.js';
import type { MailingRunParts } from './mailing-run.parts.js';

/** Tells what a beat has committed, to whoever listens and to the host's profiles. */
export class BeatHerald {
  constructor(private readonly parts: Pick<MailingRunParts, 'mailingId' | 'events' | 'recorder'>) {}

  async tell({ outcomes, deferred }: Beat): Promise<void> {
    const { events, mailingId, recorder } = this.parts;
    for (const { idx, status, code } of outcomes) {
      events.emit('recipient:settled', { mailingId, idx, status, code });
    }
    for (const { idx, code, delayMs } of deferred) {
      events.emit('recipient:deferred', { mailingId, idx, code, retryInMs: delayMs });
    }
    await recorder.note(outcomes);
  }
}
