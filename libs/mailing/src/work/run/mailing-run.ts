import { setMaxListeners } from 'node:events';
import type { PreparedRecipient, RunConsent } from '../../delivery/mailing.delivery.js';
import { LeaseLostError } from '../../delivery/lease-lost.error.js';
import type { Commit, CommitAnswer, Release } from '../../model/ports/ledger.js';
import { type Outcome, wasTried } from '../../model/states/outcome.js';
import { AttemptRecorder } from './attempt.recorder.js';
import { OutcomePublisher } from './outcome.publisher.js';
import { CommitWriter } from './commit.writer.js';
import type { MailingRunParts, RunEnd, RunPhase } from './mailing-run.parts.js';
import { InterruptibleSleep } from '../pacing/interruptible-sleep.js';
import { PollSchedule } from './poll.schedule.js';
import { RecipientPreparation } from './recipient-preparation.js';
import { OutcomeBuffer } from './outcome.buffer.js';
import { StopState } from './stop-state.js';
import { capacityOf, nextAction, numSending, type NextAction, type RunState } from './next-action.js';
import { type RunWaits, waitsOf } from './run-waits.js';
import { TransportMonitor } from './transport.monitor.js';

const NOTHING_TO_CONFIRM = (): void => undefined;

/**
 * Works through one slice.
 *
 * Two things go on side by side and meet only in memory. *Messages*: up to `concurrency` are in flight; each that ends
 * starts the next one by itself. *Beats*: at most one is under way; it writes all outcomes that have gathered since the
 * last one and marks as many recipients as there are free places (group commit). A slow database therefore never holds
 * up a message that is marked already, and a slow mail server never holds up the writing of outcomes.
 *
 * A recipient is in exactly one place: in the ledger's list; in `#queue`, marked and not begun; in flight; in `#buffer`,
 * waiting for a commit. All but the first are `sending` in the books, never more of them than `maxInDoubt`, and that is all
 * a crash can leave in doubt.
 *
 * A run stops in six ways. *Stop* is orderly: nothing new is begun, what is in flight ends, its outcomes are written,
 * the rest is handed back. *Stand down* is the same on an order in the books, *pause* by a decision of the run itself.
 * *Stalled* means that the books can't be written: what is in flight ends, and all that is known is kept in memory until the
 * database answers again. *Lost* means that another process holds the claim: nothing is begun and nothing is written any more.
 * *Went back* means that the database has forgotten commits: what is in flight ends and is remembered, and nothing is written.
 * What is being rendered is no message yet: in all six ways it is not waited for, and its recipient is handed back.
 *
 * It waits for many things, always in `#wait`, and every stop, order or answer ends that wait at once.
 */
export class MailingRun {
  readonly #parts: MailingRunParts;
  readonly #stopSignal = new AbortController();
  readonly #transport: TransportMonitor;
  readonly #writer: CommitWriter;
  readonly #publisher: OutcomePublisher;
  readonly #buffer: OutcomeBuffer;
  readonly #preparation: RecipientPreparation;
  readonly #sleep = new InterruptibleSleep();
  readonly #recorder: AttemptRecorder;
  readonly #consent: RunConsent;
  #queue: PreparedRecipient[] = [];
  #inFlight = 0;
  #drained: (() => void) | null = null;
  readonly #polls = new PollSchedule();
  readonly #stopState = new StopState();
  /** What becomes of the mailing if the run ends before it is through and nobody has ordered anything. */
  #release: Release = { kind: 'stop' };
  #isWoken = false;

  constructor(parts: MailingRunParts) {
    this.#parts = parts;
    // Every message in flight listens to it, and more than ten are no leak.
    setMaxListeners(0, this.#stopSignal.signal);
    this.#transport = new TransportMonitor(parts);
    this.#writer = new CommitWriter(parts);
    this.#publisher = new OutcomePublisher(parts);
    this.#preparation = new RecipientPreparation(parts);
    this.#buffer = new OutcomeBuffer(parts.journal, parts.options);
    this.#recorder = new AttemptRecorder(parts, {
      buffer: this.#buffer,
      polls: this.#polls,
      transport: this.#transport,
      isStopping: () => this.#phase !== 'running',
      isFenced: () => this.#phase === 'fenced',
      transportDown: (reason) => this.#transportDown(reason),
      pauseIf: (reason) => this.#pauseIf(reason),
    });
    this.#consent = {
      stop: this.#stopSignal.signal,
      wanted: () => this.#preparation.signal,
      mayStart: () => this.#mayStart(),
      begin: (idx) => this.#begin(idx),
    };
  }

  /** What it waits for; asked when it commits nothing for long. */
  get waits(): RunWaits {
    const run = {
      mayStart: this.#parts.mayStart(),
      inFlight: this.#inFlight,
      queued: this.#queue.length,
      committedAt: this.#writer.committedAt,
    };
    const isPersisted = this.#parts.mailingId !== null;
    return waitsOf(isPersisted, run, this.#transport, this.#preparation, this.#writer);
  }

  get #phase(): RunPhase {
    return this.#stopState.current;
  }

  get #state(): RunState {
    const { level, waitsForHost } = this.#transport;
    return {
      phase: this.#phase,
      inFlight: this.#inFlight,
      queued: this.#queue.length,
      isSkipNext: this.#queue.length > 0 && 'skip' in this.#queue[0].addressee,
      maxInDoubt: this.#parts.options.maxInDoubt,
      hasUnwritten: this.#writer.hasUnwritten,
      isWoken: this.#isWoken,
      buffer: this.#buffer,
      polls: this.#polls,
      transport: { level, waitsForHost, waitMs: this.#transport.waitMs() },
      mayStart: this.#parts.mayStart(),
      rateWaitMs: this.#parts.limiter.waitMs(),
    };
  }

  /** Works until the slice is through or the run is stopped. */
  async run(): Promise<RunEnd> {
    for (;;) {
      const action = nextAction(this.#state);
      if (action.kind === 'send') this.#startMessages();
      else if (action.kind === 'wait') await this.#wait(action);
      else {
        const end = await this.#commit();
        if (end) return end;
      }
    }
  }

  /** Begins nothing more; `run` resolves once everything in flight is written down. */
  stop(): void {
    this.#enterPhase('stopping');
  }

  /** An order stands in the books: begins nothing more and looks at them. */
  drain(): void {
    if (this.#phase === 'running') this.#enterPhase('draining');
  }

  /** Gives the slice back until somebody in it is due again, if nothing else is going on. */
  yieldSlot(): void {
    if (this.#phase !== 'running') return;
    this.#release = { kind: 'rest' };
    this.#enterPhase('pausing');
  }

  /** Something in the books may have changed: looks at them now, whatever it is waiting for. */
  wake(): void {
    this.#isWoken = true;
    this.#polls.dueIn(0);
    this.#sleep.end();
  }

  /** The database answers again: a run that stalled goes on with everything it knows. */
  resumeStalled(): void {
    if (this.#stopState.endStall()) this.#sleep.end();
  }

  /** The claim is gone: begins nothing more and writes nothing more. */
  revoke(): void {
    this.#enterPhase('fenced');
  }

  /** After a run that ended as lost: what was answered and not recorded. Resolves when the last message in flight is over. */
  async unrecorded(): Promise<Outcome[]> {
    if (this.#inFlight > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
    return [...this.#writer.unwrittenOutcomes, ...this.#buffer.outcomes];
  }

  /** After `stop`, when there is no more time: messages in flight end as what is known of them. */
  abort(): void {
    this.#stopSignal.abort();
  }

  #startMessages(): void {
    while (this.#queue.length > 0 && this.#inFlight < this.#transport.level && this.#mayStart()) {
      const needsPlace = !('skip' in this.#queue[0].addressee);
      if (needsPlace && !this.#parts.limiter.take()) return;
      void this.#send(this.#queue.shift() as PreparedRecipient, needsPlace);
    }
  }

  /** Asked last: a message may have waited for its turn for long. */
  #begin(idx: number): () => void {
    if (this.#stopState.mayNotLeave || !this.#parts.mayStart()) throw new LeaseLostError();
    return this.#parts.journal?.begin(idx) ?? NOTHING_TO_CONFIRM;
  }

  #mayStart(): boolean {
    return this.#phase === 'running' && this.#transport.waitMs() === 0 && this.#parts.mayStart();
  }

  async #send(recipient: PreparedRecipient, hasPlace: boolean): Promise<void> {
    this.#inFlight++;
    const { generation } = this.#transport;
    this.#parts.faultPoints.reach('beforeRendered');
    const attempt = await this.#parts.delivery.deliver(recipient, this.#consent);
    this.#parts.faultPoints.reach('afterAnswer');
    this.#inFlight--;
    if (hasPlace) this.#parts.limiter.release(wasTried(attempt));
    this.#recorder.take(attempt, generation);
    this.#startMessages();
    this.#sleep.end();
    if (this.#inFlight === 0) this.#drained?.();
  }

  #transportDown(reason: string, what?: string): void {
    this.#returnQueue();
    this.#pauseIf(this.#transport.down(reason, what));
  }

  #pauseIf(reason: string | null): void {
    if (reason === null || this.#phase !== 'running') return;
    this.#release = { kind: 'pause', reason };
    this.#enterPhase('pausing');
  }

  #enterPhase(how: RunPhase): void {
    this.#stopState.become(how);
    this.#preparation.end();
    this.#returnQueue();
    this.#sleep.end();
  }

  #returnQueue(): void {
    this.#buffer.handBack(this.#queue.map((one) => one.idx));
    this.#queue = [];
  }

  async #wait({ ms, slot }: Extract<NextAction, { kind: 'wait' }>): Promise<void> {
    // Begin to wait before the slot is released: of a batch, `leave` ends the wait synchronously.
    const over = this.#sleep.take(ms);
    if (slot !== 'keep') this.#parts.workerSlot[slot]();
    await over;
    if (slot !== 'keep') this.#parts.workerSlot.retake();
  }

  async #commit(): Promise<RunEnd | null> {
    if (this.#phase === 'rewound') return this.#remember(this.#nextCommit());
    const isFenced = (): boolean => this.#phase === 'fenced';
    const written = await this.#writer.write(() => this.#nextCommit(), this.#stopSignal.signal, isFenced);
    if (!written) {
      if (this.#phase === 'stopping') return { status: 'stalled', mailing: null };
      this.#enterPhase('stalled');
      return null;
    }
    const { commit, answer } = written;
    if (!commit || answer.kind === 'fenced') {
      this.#enterPhase('fenced');
      this.#parts.events.emit('run:fenced', { mailingId: this.#parts.mailingId });
      return { status: 'fenced', mailing: null };
    }
    if (answer.kind === 'rewound') {
      this.#enterPhase('rewound');
      await this.#remember(commit);
      return null;
    }
    this.#parts.journal?.committed(commit);
    this.#parts.faultPoints.reach('afterOutcomesCommitted');
    await this.#publisher.tell(commit);
    if (commit.returned.length > 0) this.#polls.handedBack();
    if (answer.kind === 'ended') return { status: answer.status, mailing: answer.mailing };
    if (answer.kind === 'drain') {
      if (this.#phase === 'running') this.#enterPhase('draining');
      return null;
    }
    this.#parts.guard.noteElsewhere(answer.elsewhere);
    await this.#admit(answer, commit.capacity);
    // The look that was under way when they were refused did not know of them.
    for (const { delayMs } of commit.deferred) this.#polls.dueIn(delayMs);
    return null;
  }

  /** It can't be committed before what the database has forgotten is restored, and is restored with it. */
  async #remember(commit: Commit): Promise<RunEnd> {
    this.#parts.ledger.remember?.(commit);
    await this.#publisher.tell(commit);
    return { status: 'rewound', mailing: null };
  }

  #nextCommit(): Commit {
    const state = this.#state;
    const commit: Commit = {
      capacity: capacityOf(state),
      ...this.#buffer.take(),
      inFlight: numSending(state),
      release: this.#phase === 'running' ? null : this.#release,
      guard: this.#parts.guard.report,
      isDraining: this.#phase === 'draining',
    };
    if (commit.outcomes.length > 0) this.#parts.faultPoints.reach('beforeOutcomesWritten');
    this.#isWoken = false;
    return commit;
  }

  async #admit(answer: Extract<CommitAnswer, { kind: 'continue' }>, asked: number): Promise<void> {
    if (asked > 0) this.#polls.found(answer);
    if (answer.marked.length === 0) return;
    this.#parts.faultPoints.reach('afterIntentCommitted');
    this.#recorder.noteBegun(answer.marked);
    const prepared = this.#phase === 'running' ? await this.#preparation.of(answer) : null;
    if (!Array.isArray(prepared)) {
      this.#buffer.handBack(answer.marked.map((one) => one.idx));
      if (prepared) this.#transportDown(prepared.reason, prepared.what);
      return;
    }
    this.#queue.push(...prepared);
    // Asked to stop, or the transport went down, while the commit was being written.
    if (this.#phase !== 'running' || this.#transport.waitMs() > 0) this.#returnQueue();
    // Not at once: a commit that is due by now goes first, and the database works on it while these are rendered.
    setImmediate(() => this.#startMessages());
  }
}
