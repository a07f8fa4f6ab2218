import type { Commit } from '../../model/ports/ledger.js';
import type { MailingRunParts } from './mailing-run.parts.js';

/** Reports the outcomes of a commit after it is committed: to event listeners, and to the host's profiles. */
export class OutcomePublisher {
  constructor(private readonly parts: Pick<MailingRunParts, 'mailingId' | 'events' | 'recorder'>) {}

  async tell({ outcomes, deferred }: Commit): Promise<void> {
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
