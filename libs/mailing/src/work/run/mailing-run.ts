import type { Commit, CommitAnswer, Release, UnrecordedResults } from '../../model/ports/ledger.js';
import { AttemptRecorder } from './attempt.recorder.js';
import { OutcomePublisher } from './outcome.publisher.js';
import { CommitWriter } from './commit.writer.js';
import type { MailingRunParts, RunEnd, RunPhase } from './mailing-run.parts.js';
import { MessageQueue } from './message.queue.js';
import { InterruptibleSleep } from '../pacing/interruptible-sleep.js';
import { PollSchedule } from './poll.schedule.js';
import { RecipientPreparation } from './recipient-preparation.js';
import { OutcomeBuffer } from './outcome.buffer.js';
import { StopState } from './stop-state.js';
import {
  capacityOf,
  isResting,
  maySend,
  nextAction,
  numSending,
  type NextAction,
  type RunState,
} from './next-action.js';
import { type RunWaits, waitsOf } from './run-waits.js';
import { TransportMonitor } from './transport.monitor.js';

/**
 * Works through one slice.
 *
 * Two activities go on side by side and meet only in memory. *Messages*: up to `concurrency` are in flight; each that ends starts the next one.
 * *Commits*: at most one is being written; it writes all outcomes gathered since the last one and marks as many recipients as there is capacity for
 * (group commit). So a slow database never delays a message that is marked already, and a slow mail server never delays the writing of outcomes.
 *
 * Invariant: a recipient is in exactly one of four lists: the ledger's list; the queue of `#messages` (marked, not begun); in flight; `#buffer`
 * (waiting for a commit). In the database, recipients of the last three are in flight. They are never more than `maxInDoubt`, and a crash leaves no others in doubt.
 *
 * A run stops in six ways. *Stopping* is orderly: nothing new begins, messages in flight end, their outcomes are written, the rest is handed back.
 * *Draining* is the same for a command in the progress row, *pausing* for a decision of the run itself. *Stalled*: the database can't be written;
 * messages in flight end, and all results stay in memory until the database answers again. *Fenced*: the claim is lost; nothing begins and nothing is
 * written any more. *Rewound*: the database has forgotten commits; messages in flight end and are remembered, and nothing is written. In all six, the
 * run does not wait for messages that are only being rendered: their recipients are handed back.
 *
 * While the run has nothing to do it waits in `#wait`, and every stop, command or answer ends that wait at once. It also waits for the database
 * (`CommitWriter`) and for the host (`RecipientPreparation`).
 */
export class MailingRun {
  readonly #parts: MailingRunParts;
  readonly #messages: MessageQueue;
  readonly #transport: TransportMonitor;
  readonly #writer: CommitWriter;
  readonly #publisher: OutcomePublisher;
  readonly #buffer: OutcomeBuffer;
  readonly #preparation: RecipientPreparation;
  readonly #sleep = new InterruptibleSleep();
  readonly #recorder: AttemptRecorder;
  readonly #polls = new PollSchedule();
  readonly #stopState = new StopState();
  /** How the claim is released if the run ends before the slice is finished and without a command. */
  #release: Release = { kind: 'stop' };
  #isWoken = false;
  #isWaiting = false;

  constructor(parts: MailingRunParts) {
    this.#parts = parts;
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
    this.#messages = new MessageQueue(parts, {
      maySend: () => maySend(this.#state),
      mayStart: () => this.#mayStart(),
      mayNotLeave: () => this.#stopState.mayNotLeave,
      wanted: () => this.#preparation.signal,
      generation: () => this.#transport.generation,
      take: (attempt, generation) => this.#recorder.take(attempt, generation),
      wake: () => this.#sleep.wake(),
    });
  }

  /** What the run waits for; read when it has committed nothing for long. */
  get waits(): RunWaits {
    const run = {
      mayStart: this.#parts.mayStart(),
      inFlight: this.#messages.inFlight,
      queued: this.#messages.length,
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
      inFlight: this.#messages.inFlight,
      queued: this.#messages.length,
      isSkipNext: this.#messages.isSkipNext,
      maxInDoubt: this.#parts.options.maxInDoubt,
      hasUnwritten: this.#writer.unwritten !== null,
      isWoken: this.#isWoken,
      buffer: this.#buffer,
      polls: this.#polls,
      transport: { level, waitsForHost, waitMs: this.#transport.waitMs() },
      mayStart: this.#parts.mayStart(),
      rateWaitMs: this.#parts.limiter.waitMs(),
    };
  }

  /** Works until the slice is finished or the run is stopped. */
  async run(): Promise<RunEnd> {
    for (;;) {
      const action = nextAction(this.#state);
      if (action.kind === 'send') this.#messages.start();
      else if (action.kind === 'wait') await this.#wait(action);
      else {
        const end = await this.#commit();
        if (end) return end;
      }
    }
  }

  /** Begins nothing more; `run` resolves once the outcomes of all messages in flight are written. */
  stop(): void {
    this.#enterPhase('stopping');
  }

  /** A command is in the progress row: begins nothing more, and reads the row. */
  drain(): void {
    if (this.#phase === 'running') this.#enterPhase('draining');
  }

  /** Releases the slice until one of its recipients is due again, if nothing else is going on. */
  yieldSlot(): void {
    if (this.#phase !== 'running') return;
    this.#release = { kind: 'yield' };
    this.#enterPhase('pausing');
  }

  /** The progress row may have changed: reads it now, whatever the run waits for. */
  wake(): void {
    this.#isWoken = true;
    this.#polls.dueIn(0);
    this.#sleep.wake();
  }

  /** For a test: what waits for a time has waited that much longer. */
  passTime(ms: number): void {
    this.#transport.passTime(ms);
    this.#parts.ledger.passTime?.(ms);
    this.wake();
  }

  /** Only the passing of time gives the run something to do. */
  get isResting(): boolean {
    return this.#isWaiting && isResting(this.#state);
  }

  /** The database answers again: a stalled run goes on with all results that it kept. */
  resumeStalled(): void {
    if (this.#stopState.endStall()) this.#sleep.wake();
  }

  /** The claim is lost: begins nothing more and writes nothing more. */
  revoke(): void {
    this.#enterPhase('fenced');
  }

  /** For a run that ended fenced: results that are in no commit that it knows of, and recipients that have none yet. */
  get unrecorded(): UnrecordedResults {
    const { unwritten } = this.#writer;
    return {
      outcomes: [...(unwritten?.outcomes ?? []), ...this.#buffer.outcomes],
      deferred: [...(unwritten?.deferred ?? []), ...this.#buffer.deferred],
      begun: new Set(this.#messages.begun),
    };
  }

  /** Resolves when the last message in flight has ended. For one caller. */
  drained(): Promise<void> {
    return this.#messages.drained();
  }

  /** After `stop`, when the time is over: messages in flight end with what is known of them. */
  abort(): void {
    this.#messages.abort();
  }

  #mayStart(): boolean {
    return this.#phase === 'running' && this.#transport.waitMs() === 0 && this.#parts.mayStart();
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
    this.#sleep.wake();
  }

  #returnQueue(): void {
    this.#buffer.handBack(this.#messages.clear());
  }

  async #wait({ ms, slot }: Extract<NextAction, { kind: 'wait' }>): Promise<void> {
    // Start waiting before releasing the slot: for a batch, `leave` ends the wait synchronously.
    const over = this.#sleep.sleep(ms);
    if (slot !== 'keep') this.#parts.workerSlot[slot]();
    this.#isWaiting = true;
    await over;
    this.#isWaiting = false;
    if (slot !== 'keep') this.#parts.workerSlot.retake();
  }

  async #commit(): Promise<RunEnd | null> {
    if (this.#phase === 'rewound') return this.#remember(this.#nextCommit());
    const isFenced = (): boolean => this.#phase === 'fenced';
    const written = await this.#writer.write(() => this.#nextCommit(), this.#messages.stopSignal, isFenced);
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
    // The poll that ran while they were being deferred did not know of them.
    for (const { delayMs } of commit.deferred) this.#polls.dueIn(delayMs);
    return null;
  }

  /** Keeps a commit in memory: it can only be written together with the commits that the database has forgotten. */
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
    this.#messages.push(prepared);
    // A stop was requested, or the transport went down, while the commit was being written.
    if (this.#phase !== 'running' || this.#transport.waitMs() > 0) this.#returnQueue();
    // Not at once: a commit that is due goes first, so that the database works while these messages are rendered.
    setImmediate(() => this.#messages.start());
  }
}
