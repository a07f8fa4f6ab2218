import { setMaxListeners } from 'node:events';
import type { PreparedRecipient, RunConsent } from '../../delivery/mailing.delivery.js';
import { TooLateError } from '../../delivery/too-late.error.js';
import type { Beat, BeatAnswer, Release } from '../../model/ports/ledger.js';
import { type Outcome, wasTried } from '../../model/states/outcome.js';
import { AttemptRecorder } from './attempt.recorder.js';
import { BeatHerald } from './beat.herald.js';
import { BeatWriter } from './beat.writer.js';
import type { MailingRunParts, RunEnd, Winding } from './mailing-run.parts.js';
import { Nap } from '../pacing/nap.js';
import { NextLook } from './next-look.js';
import { RecipientPreparation } from './recipient-preparation.js';
import { RunNews } from './run-news.js';
import { StopState } from './stop-state.js';
import { placeWhile, type RunState, type RunWaits, waitMsOf, waitsOf } from './run-wait.js';
import { TransportWatch } from './transport-watch.js';

const NOTHING_TO_CONFIRM = (): void => undefined;

/**
 * Works through one slice.
 *
 * Two things go on side by side and meet only in memory. *Messages*: up to `concurrency` are in flight; each that ends
 * starts the next one by itself. *Beats*: at most one is under way; it writes all outcomes that have gathered since the
 * last one and marks as many recipients as there are free places (group commit). A slow database therefore never holds
 * up a message that is marked already, and a slow mail server never holds up the writing of outcomes.
 *
 * A recipient is in exactly one place: in the ledger's list; in `#queue`, marked and not begun; in flight; in `#news`,
 * waiting for a beat. All but the first are `sending` in the books, never more of them than `maxInDoubt`, and that is all
 * a crash can leave in doubt.
 *
 * A run stops in six ways. *Stop* is orderly: nothing new is begun, what is in flight ends, its outcomes are written,
 * the rest is handed back. *Stand down* is the same on an order in the books, *pause* by a decision of the run itself.
 * *Stalled* means that the books can't be written: what is in flight ends, and all that is known is kept in memory until the
 * database answers again. *Lost* means that another process holds the claim: nothing is begun and nothing is written any more.
 * *Went back* means that the database has forgotten commits: what is in flight ends and is remembered, and nothing is written.
 * What is being rendered is no message yet: in all six ways it is not waited for, and its recipient is handed back.
 *
 * It waits for many things, always in `#somethingToDo`, and every stop, order or answer ends that wait at once.
 */
export class MailingRun {
  readonly #parts: MailingRunParts;
  readonly #stopSignal = new AbortController();
  readonly #transport: TransportWatch;
  readonly #writer: BeatWriter;
  readonly #herald: BeatHerald;
  readonly #news: RunNews;
  readonly #preparation: RecipientPreparation;
  readonly #nap = new Nap();
  readonly #recorder: AttemptRecorder;
  readonly #consent: RunConsent;
  #queue: PreparedRecipient[] = [];
  #inFlight = 0;
  #drained: (() => void) | null = null;
  readonly #look = new NextLook();
  readonly #stopState = new StopState();
  /** What becomes of the mailing if the run ends before it is through and nobody has ordered anything. */
  #release: Release = { kind: 'stop' };
  #nudged = false;

  constructor(parts: MailingRunParts) {
    this.#parts = parts;
    // Every message in flight listens to it, and more than ten are no leak.
    setMaxListeners(0, this.#stopSignal.signal);
    this.#transport = new TransportWatch(parts);
    this.#writer = new BeatWriter(parts);
    this.#herald = new BeatHerald(parts);
    this.#preparation = new RecipientPreparation(parts);
    this.#news = new RunNews(parts.journal, parts.options);
    this.#recorder = new AttemptRecorder(parts, {
      news: this.#news,
      look: this.#look,
      transport: this.#transport,
      isStopping: () => this.#winding !== 'no',
      isLost: () => this.#winding === 'lost',
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
    return waitsOf(this.#state, this.#preparation, this.#writer);
  }

  get #winding(): Winding {
    return this.#stopState.current;
  }

  get #state(): RunState {
    return {
      parts: this.#parts,
      transport: this.#transport,
      look: this.#look,
      winding: this.#winding,
      inFlight: this.#inFlight,
      queued: this.#queue.length,
      gathered: this.#news.count,
      committedAt: this.#writer.committedAt,
    };
  }

  /** Works until the slice is through or the run is stopped. */
  async run(): Promise<RunEnd> {
    for (;;) {
      if (!this.#wantsBeat()) this.#startMessages();
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
    this.#windDown('stopping');
  }

  /** An order stands in the books: begins nothing more and looks at them. */
  standDown(): void {
    if (this.#winding === 'no') this.#windDown('standing_down');
  }

  /** Gives the slice back until somebody in it is due again, if nothing else is going on. */
  rest(): void {
    if (this.#winding !== 'no') return;
    this.#release = { kind: 'rest' };
    this.#windDown('pausing');
  }

  /** Something in the books may have changed: looks at them now, whatever it is waiting for. */
  nudge(): void {
    this.#nudged = true;
    this.#look.dueIn(0);
    this.#nap.end();
  }

  /** The database answers again: a run that stalled goes on with everything it knows. */
  wakeStalled(): void {
    if (this.#stopState.endStall()) this.#nap.end();
  }

  /** The claim is gone: begins nothing more and writes nothing more. */
  lose(): void {
    this.#windDown('lost');
  }

  /** After a run that ended as lost: what was answered and not recorded. Resolves when the last message in flight is over. */
  async unrecorded(): Promise<Outcome[]> {
    if (this.#inFlight > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
    return [...this.#writer.unwrittenOutcomes, ...this.#news.outcomes];
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
    if (this.#stopState.mayNotLeave || !this.#parts.mayStart()) throw new TooLateError();
    return this.#parts.journal?.begin(idx) ?? NOTHING_TO_CONFIRM;
  }

  #mayStart(): boolean {
    return this.#winding === 'no' && this.#transport.waitMs() === 0 && this.#parts.mayStart();
  }

  async #send(recipient: PreparedRecipient, hasPlace: boolean): Promise<void> {
    this.#inFlight++;
    const { generation } = this.#transport;
    this.#parts.faultPoints.reach('beforeRendered');
    const attempt = await this.#parts.delivery.deliver(recipient, this.#consent);
    this.#parts.faultPoints.reach('afterAnswer');
    this.#inFlight--;
    if (hasPlace) this.#parts.limiter.giveBack(wasTried(attempt));
    this.#recorder.take(attempt, generation);
    this.#startMessages();
    this.#nap.end();
    if (this.#inFlight === 0) this.#drained?.();
  }

  #transportDown(reason: string, what?: string): void {
    this.#handBackQueue();
    this.#pauseIf(this.#transport.down(reason, what));
  }

  #pauseIf(reason: string | null): void {
    if (reason === null || this.#winding !== 'no') return;
    this.#release = { kind: 'pause', reason };
    this.#windDown('pausing');
  }

  #windDown(how: Winding): void {
    this.#stopState.become(how);
    this.#preparation.end();
    this.#handBackQueue();
    this.#nap.end();
  }

  #handBackQueue(): void {
    this.#news.handBack(this.#queue.map((one) => one.idx));
    this.#queue = [];
  }

  /** Recipients that stay `sending` whatever the next beat writes. */
  get #remaining(): number {
    return this.#inFlight + this.#queue.length;
  }

  get #mayMark(): boolean {
    return this.#look.isDue && this.#mayStart();
  }

  #wantsBeat(): boolean {
    if (this.#winding === 'lost') return true;
    if (this.#winding === 'went_back') return this.#inFlight === 0;
    if (this.#winding === 'stalled') return false;
    if (this.#writer.hasUnwritten || this.#nudged) return true;
    const { count, isFull, numReturned, hasLingered } = this.#news;
    if (this.#remaining === 0 && (this.#winding !== 'no' || count > 0 || this.#look.isThrough)) return true;
    if (numReturned > 0 || isFull || hasLingered) return true;
    return this.#queue.length === 0 && this.#mayMark && this.#remaining < this.#parts.options.maxInDoubt;
  }

  async #somethingToDo(): Promise<void> {
    const waitMs = waitMsOf(this.#state);
    const place = placeWhile(this.#state, waitMs);
    // Lying down comes first: who leaves the place of a batch is told to rest, which ends the nap at once.
    const over = this.#nap.take(waitMs);
    if (place !== 'keep') this.#parts.place[place]();
    await over;
    if (place !== 'keep') this.#parts.place.retake();
  }

  async #beat(): Promise<RunEnd | null> {
    if (this.#winding === 'went_back') return this.#remember(this.#nextBeat());
    const isLost = (): boolean => this.#winding === 'lost';
    const written = await this.#writer.write(() => this.#nextBeat(), this.#stopSignal.signal, isLost);
    if (!written) {
      if (this.#winding === 'stopping') return { status: 'stalled', mailing: null };
      this.#windDown('stalled');
      return null;
    }
    const { beat, answer } = written;
    if (!beat || answer.kind === 'lost') {
      this.#windDown('lost');
      this.#parts.events.emit('run:lost', { mailingId: this.#parts.mailingId });
      return { status: 'lost', mailing: null };
    }
    if (answer.kind === 'went_back') {
      this.#windDown('went_back');
      await this.#remember(beat);
      return null;
    }
    this.#parts.journal?.committed(beat);
    this.#parts.faultPoints.reach('afterOutcomesCommitted');
    await this.#herald.tell(beat);
    if (beat.returned.length > 0) this.#look.handedBack();
    if (answer.kind === 'ended') return { status: answer.status, mailing: answer.mailing };
    if (answer.kind === 'stand_down') {
      if (this.#winding === 'no') this.#windDown('standing_down');
      return null;
    }
    this.#parts.guard.hear(answer.elsewhere);
    await this.#admit(answer, beat.free);
    // The look that was under way when they were refused did not know of them.
    for (const { delayMs } of beat.deferred) this.#look.dueIn(delayMs);
    return null;
  }

  /** It can't be committed before what the database has forgotten is restored, and is restored with it. */
  async #remember(beat: Beat): Promise<RunEnd> {
    this.#parts.ledger.remember?.(beat);
    await this.#herald.tell(beat);
    return { status: 'went_back', mailing: null };
  }

  #nextBeat(): Beat {
    const isThrough = this.#look.isThrough && this.#remaining === 0 && this.#news.numReturned === 0;
    const free = this.#mayMark ? this.#parts.options.maxInDoubt - this.#remaining : 0;
    const beat: Beat = {
      ...this.#news.take(),
      free: isThrough && this.#winding === 'no' ? 1 : free,
      remaining: this.#remaining,
      release: this.#winding === 'no' ? null : this.#release,
      guard: this.#parts.guard.report,
      standsDown: this.#winding === 'standing_down',
    };
    if (beat.outcomes.length > 0) this.#parts.faultPoints.reach('beforeOutcomesWritten');
    this.#nudged = false;
    return beat;
  }

  async #admit(answer: Extract<BeatAnswer, { kind: 'go_on' }>, asked: number): Promise<void> {
    if (asked > 0) this.#look.found(answer);
    if (answer.marked.length === 0) return;
    this.#parts.faultPoints.reach('afterIntentCommitted');
    this.#recorder.noteBegun(answer.marked);
    const prepared = this.#winding === 'no' ? await this.#preparation.of(answer) : null;
    if (!Array.isArray(prepared)) {
      this.#news.handBack(answer.marked.map((one) => one.idx));
      if (prepared) this.#transportDown(prepared.reason, prepared.what);
      return;
    }
    this.#queue.push(...prepared);
    // Asked to stop, or the transport went down, while the beat was being written.
    if (this.#winding !== 'no' || this.#transport.waitMs() > 0) this.#handBackQueue();
    // Not at once: a beat that is due by now goes first, and the database works on it while these are rendered.
    setImmediate(() => this.#startMessages());
  }
}
