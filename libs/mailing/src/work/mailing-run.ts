import { setTimeout as delay } from 'node:timers/promises';
import type { MailingDelivery, PreparedRecipient } from '../delivery/mailing.delivery.js';
import type { FaultPoints } from '../model/fault-points.js';
import type { Beat, BeatAnswer, Ledger } from '../model/ledger.js';
import type { MailingEvents } from '../model/mailing-event.js';
import type { RunOptions } from '../model/mailing-options.js';
import type { MailingStatus } from '../model/mailing-status.js';
import { type Attempt, type Outcome, settled } from '../model/outcome.js';
import { BackOff } from './back-off.js';

/** An answer waits at most this long for company before a beat is made for it alone. */
const LINGER_MS = 20;
/** How often a run that may not start anything looks whether it may again. */
const BLOCKED_LOOK_MS = 100;
/** How long a run goes on trying to write down what it knows before it leaves the mailing to the restarter. */
const DATABASE_PATIENCE_MS = 60_000;
/** A recipient with whom the mail server falls silent this often, while others get through, is given up. */
const MOST_SILENCES = 3;

export interface MailingRunParts {
  /** Null for a mailing that is not persisted. */
  mailingId: string | null;
  ledger: Ledger;
  delivery: MailingDelivery;
  options: Required<RunOptions>;
  /** Asked before each hand-over. */
  mayStart: () => boolean;
  events: MailingEvents;
  faultPoints: FaultPoints;
}

/** How a run ended. `lost`: somebody else works on it now. */
export type RunEnd = MailingStatus | 'lost';

/**
 * Works through one slice.
 *
 * Two things go on side by side and meet only in memory. *Messages*: up to `concurrency` are in flight; each that ends
 * starts the next one by itself. *Beats*: at most one is under way; it writes all outcomes that have gathered since the
 * last one and marks as many recipients as there are free places (group commit). A slow database therefore never holds
 * up a message that is marked already, and a slow mail server never holds up the writing of outcomes.
 *
 * A recipient is in exactly one place: in the ledger's list; in `#queue`, marked and not begun; in flight; in
 * `#outcomes` or `#returned`, waiting for a beat. The last four are `sending` in the books, never more of them than
 * `maxInDoubt`, and that is all a crash can leave in doubt.
 *
 * A run stops in three ways. *Stop* is orderly: nothing new is begun, what is in flight ends, its outcomes are written,
 * the rest is handed back. *Stand down* is the same on somebody's order in the books. *Lost* means that somebody else
 * holds the claim: nothing is begun and nothing is written any more.
 */
export class MailingRun {
  readonly #parts: MailingRunParts;
  readonly #stopSignal = new AbortController();
  readonly #backOff = new BackOff();
  readonly #silences = new Map<number, number>();
  #queue: PreparedRecipient[] = [];
  #outcomes: Outcome[] = [];
  #returned: number[] = [];
  #oldestOutcomeAt = 0;
  #inFlight = 0;
  #exhausted = false;
  #winding: 'no' | 'stopping' | 'standing_down' | 'lost' = 'no';
  #wake: () => void = () => undefined;

  constructor(parts: MailingRunParts) {
    this.#parts = parts;
  }

  /** Works until the slice is through or the run is stopped. Rejects if the books can't be written for too long. */
  async run(): Promise<RunEnd> {
    for (;;) {
      this.#startMessages();
      if (!this.#wantsBeat()) {
        await this.#somethingToDo();
        continue;
      }
      const end = await this.#beat();
      if (end) return end;
    }
  }

  /** Begins nothing more; `run` resolves once everything in flight is written down. */
  stop(): void {
    if (this.#winding !== 'lost') this.#windDown('stopping');
  }

  /** The claim is gone: begins nothing more and writes nothing more. */
  lose(): void {
    this.#windDown('lost');
  }

  /** After `stop`, when there is no more time: messages in flight end as what is known of them. */
  abort(): void {
    this.#stopSignal.abort();
  }

  #startMessages(): void {
    while (this.#queue.length > 0 && this.#inFlight < this.#parts.options.concurrency && this.#mayStart()) {
      void this.#send(this.#queue.shift() as PreparedRecipient);
    }
  }

  #mayStart(): boolean {
    return this.#winding === 'no' && this.#backOff.remainingMs() === 0 && this.#parts.mayStart();
  }

  async #send(recipient: PreparedRecipient): Promise<void> {
    this.#inFlight++;
    this.#parts.faultPoints.reach('beforeHandOver');
    const attempt = await this.#parts.delivery.deliver(recipient, this.#stopSignal.signal);
    this.#parts.faultPoints.reach('afterAnswer');
    this.#inFlight--;
    this.#take(attempt);
    this.#startMessages();
    this.#wake();
  }

  #take(attempt: Attempt): void {
    if (attempt.kind === 'settled') {
      // A recipient who was skipped says nothing about the transport.
      if (attempt.outcome.status === 'sent' || attempt.outcome.status === 'error') this.#backOff.succeed();
      return this.#settle(attempt.outcome);
    }
    if (attempt.kind === 'temporary') {
      return this.#settle({ idx: attempt.idx, status: 'error', code: attempt.code, text: attempt.text });
    }
    if (attempt.blame === 'unclear' && this.#winding === 'no') {
      const silences = (this.#silences.get(attempt.idx) ?? 0) + 1;
      this.#silences.set(attempt.idx, silences);
      if (silences >= MOST_SILENCES)
        return this.#take(settled(attempt.idx, 'error', 'timeout', attempt.reason));
    }
    this.#returned.push(attempt.idx);
    if (attempt.blame !== 'unclear') this.#transportDown(attempt.reason);
  }

  #settle(outcome: Outcome): void {
    this.#silences.delete(outcome.idx);
    if (this.#outcomes.length === 0) this.#oldestOutcomeAt = performance.now();
    this.#outcomes.push(outcome);
  }

  #transportDown(reason: string): void {
    this.#handBackQueue();
    const isNews = this.#backOff.remainingMs() === 0;
    const retryInMs = this.#backOff.fail();
    if (isNews)
      this.#parts.events.emit('transport:down', { mailingId: this.#parts.mailingId, reason, retryInMs });
  }

  #windDown(how: 'stopping' | 'standing_down' | 'lost'): void {
    this.#winding = how;
    this.#handBackQueue();
    this.#wake();
  }

  #handBackQueue(): void {
    this.#returned.push(...this.#queue.map((one) => one.idx));
    this.#queue = [];
  }

  /** Recipients that stay `sending` whatever the next beat writes. */
  get #remaining(): number {
    return this.#inFlight + this.#queue.length;
  }

  get #mayMark(): boolean {
    return !this.#exhausted && this.#mayStart();
  }

  #wantsBeat(): boolean {
    if (this.#winding === 'lost') return true;
    const { concurrency, maxInDoubt } = this.#parts.options;
    if (this.#remaining === 0) {
      return (
        this.#winding !== 'no' ||
        this.#mayMark ||
        this.#exhausted ||
        this.#outcomes.length + this.#returned.length > 0
      );
    }
    if (this.#returned.length > 0 || this.#outcomes.length >= concurrency) return true;
    if (this.#outcomes.length > 0 && performance.now() - this.#oldestOutcomeAt >= LINGER_MS) return true;
    return this.#queue.length === 0 && this.#mayMark && this.#remaining < maxInDoubt;
  }

  async #somethingToDo(): Promise<void> {
    const linger = this.#outcomes.length > 0 ? LINGER_MS : BLOCKED_LOOK_MS;
    const wait = new AbortController();
    this.#wake = () => wait.abort();
    await delay(linger, undefined, { signal: wait.signal }).catch(() => undefined);
    this.#wake = () => undefined;
  }

  async #beat(): Promise<RunEnd | null> {
    const beat = this.#nextBeat();
    const answer: BeatAnswer = this.#winding === 'lost' ? { kind: 'lost' } : await this.#write(beat);
    if (answer.kind === 'lost') {
      this.#windDown('lost');
      this.#parts.events.emit('run:lost', { mailingId: this.#parts.mailingId });
      return 'lost';
    }
    this.#parts.faultPoints.reach('afterOutcomesCommitted');
    for (const { idx, status, code } of beat.outcomes) {
      this.#parts.events.emit('recipient:settled', { mailingId: this.#parts.mailingId, idx, status, code });
    }
    if (beat.returned.length > 0) this.#exhausted = false;
    if (answer.kind === 'ended') return answer.status;
    if (answer.kind === 'stand_down') {
      if (this.#winding === 'no') this.#windDown('standing_down');
      return null;
    }
    await this.#admit(answer, beat.free);
    return null;
  }

  #nextBeat(): Beat {
    const beat = {
      outcomes: this.#outcomes,
      returned: this.#returned,
      free: this.#mayMark ? this.#parts.options.maxInDoubt - this.#remaining : 0,
      remaining: this.#remaining,
      release: this.#winding !== 'no',
    };
    this.#outcomes = [];
    this.#returned = [];
    // Once the list is through, one more look with a free place is what completes the slice.
    const isThrough = this.#exhausted && beat.remaining === 0 && beat.returned.length === 0;
    if (isThrough && this.#winding === 'no') beat.free = 1;
    return beat;
  }

  async #admit(answer: Extract<BeatAnswer, { kind: 'go_on' }>, asked: number): Promise<void> {
    if (asked > 0) this.#exhausted = answer.exhausted;
    if (answer.marked.length === 0) return;
    this.#parts.faultPoints.reach('afterIntentCommitted');
    let prepared: PreparedRecipient[];
    try {
      prepared = await this.#parts.delivery.prepare(answer.marked);
    } catch (error) {
      this.#returned.push(...answer.marked.map((one) => one.idx));
      this.#transportDown(`profiles: ${error instanceof Error ? error.message : String(error)}`);
      return;
    }
    this.#queue.push(...prepared);
    // Asked to stop, or the transport went down, while the beat was being written.
    if (this.#winding !== 'no' || this.#backOff.remainingMs() > 0) this.#handBackQueue();
  }

  /** Writes the beat, again as a whole where the database fails; nothing is marked and no outcome is lost meanwhile. */
  async #write(beat: Beat): Promise<BeatAnswer> {
    const giveUpAt = performance.now() + DATABASE_PATIENCE_MS;
    const backOff = new BackOff(50, 5_000);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#parts.ledger.beat(beat);
      } catch (error) {
        const delayMs = backOff.fail();
        const { mailingId, events } = this.#parts;
        if (performance.now() + delayMs > giveUpAt || this.#stopSignal.signal.aborted) throw error;
        events.emit('run:beat-retried', { mailingId, error, attempt, delayMs });
        await delay(delayMs);
        if ((this.#winding as string) === 'lost') return { kind: 'lost' };
      }
    }
  }
}
