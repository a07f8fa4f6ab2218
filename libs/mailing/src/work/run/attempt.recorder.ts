import { type Attempt, isRefusal, NO_ANSWER, type Outcome, wasAnswered } from '../../model/states/outcome.js';
import type { MarkedRecipient } from '../../model/mail/recipient.js';
import { RetrySchedule } from './retry.schedule.js';
import type { MailingRunParts } from './mailing-run.parts.js';
import type { PollSchedule } from './poll.schedule.js';
import type { OutcomeBuffer } from './outcome.buffer.js';
import type { TransportMonitor } from './transport.monitor.js';

/** The parts of a run that the result of an attempt can change. */
export interface AttemptEffects {
  buffer: OutcomeBuffer;
  polls: PollSchedule;
  transport: TransportMonitor;
  isStopping: () => boolean;
  isFenced: () => boolean;
  transportDown: (reason: string) => void;
  /** @param reason null: there is none. */
  pauseIf: (reason: string | null) => void;
}

/** Records the results of attempts for the next commit, and what they say about the mail server and the mailing. */
export class AttemptRecorder {
  readonly #attempts: RetrySchedule;

  constructor(
    private readonly parts: Pick<MailingRunParts, 'retry' | 'resendsDoubt' | 'guard'>,
    private readonly run: AttemptEffects,
  ) {
    this.#attempts = new RetrySchedule(parts.retry);
  }

  noteBegun(marked: MarkedRecipient[]): void {
    this.#attempts.note(marked);
  }

  /** @param generation of the transport, read when the attempt began. */
  take(attempt: Attempt, generation: number): void {
    switch (attempt.kind) {
      case 'temporary':
        if (isRefusal(attempt)) this.run.transport.works();
        return this.#defer({ ...attempt, status: 'error' });
      case 'settled':
        return this.#takeOutcome(attempt.outcome);
      case 'returned':
        return this.#takeBack(attempt, generation);
    }
  }

  #takeOutcome(outcome: Outcome): void {
    const { transport, transportDown } = this.run;
    const { status } = outcome;
    if (wasAnswered(outcome)) transport.works();
    if (status === 'in_doubt' && this.parts.resendsDoubt) this.#defer(outcome);
    else this.#settle(outcome);
    // One broken connection is an accident. If every connection breaks, stop: otherwise the whole list would end in doubt.
    if (status === 'in_doubt' && transport.breaks()) transportDown(outcome.text ?? '');
  }

  #takeBack(attempt: Extract<Attempt, { kind: 'returned' }>, generation: number): void {
    const { idx, blame, reason, retryAfterMs } = attempt;
    const { transport, buffer, isStopping, isFenced, transportDown, pauseIf } = this.run;
    if (blame === 'unclear' && !isStopping() && !transport.isDown) {
      this.#defer({ idx, status: 'error', code: NO_ANSWER, text: reason });
      if (transport.fallsSilent(idx)) transportDown(reason);
      return;
    }
    buffer.handBack([idx]);
    if (blame === 'transport' && !isFenced()) transportDown(reason);
    if (blame === 'throttle') pauseIf(transport.throttled(reason, generation, retryAfterMs));
  }

  /** Defers the recipient to another attempt, or settles it after its last one. */
  #defer(last: Outcome): void {
    const { idx, status, code, text } = last;
    const delayMs = this.#attempts.nextDelayMs(idx);
    if (delayMs === null) return this.#settle(last);
    this.run.buffer.defer({ idx, code: code ?? status, text: text ?? '', delayMs });
    this.run.polls.dueIn(delayMs);
    this.#judge(last);
  }

  #settle(outcome: Outcome): void {
    this.run.buffer.settle(outcome);
    this.#judge(outcome);
  }

  /** Invariant: a recipient counts once for or against the mailing. A further attempt that fails is no further evidence. */
  #judge(outcome: Outcome): void {
    const isEvidence = this.#attempts.isFirst(outcome.idx) && !this.run.transport.isKnownOutage(outcome);
    if (outcome.status === 'sent' || isEvidence) this.run.pauseIf(this.parts.guard.note(outcome));
    this.#attempts.forget(outcome.idx);
  }
}
