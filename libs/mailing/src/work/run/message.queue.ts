import { setMaxListeners } from 'node:events';
import { LeaseLostError } from '../../delivery/lease-lost.error.js';
import type { PreparedRecipient, RunConsent } from '../../delivery/mailing.delivery.js';
import { type Attempt, wasTried } from '../../model/states/outcome.js';
import type { MailingRunParts } from './mailing-run.parts.js';

/** What the messages ask their run, and tell it. */
export interface MessageRun {
  /** Whether the first message in the queue may start now, by everything that a run decides by. */
  maySend(): boolean;
  /** Whether messages may be handed over now; asked again after an awaited rendering. */
  mayStart(): boolean;
  /** Whether the claim is lost, so that nothing may leave the process. */
  mayNotLeave(): boolean;
  /** Aborts when no message may begin any more. */
  wanted(): AbortSignal;
  /** Of the transport: what an attempt says about it counts for this generation only. */
  generation(): number;
  /** Records the result of an attempt that began in this generation. */
  take(attempt: Attempt, generation: number): void;
  /** Ends the wait of the run. */
  wake(): void;
}

const NOTHING_TO_CONFIRM = (): void => undefined;

/** The messages of a run: those of recipients that are marked and not begun, and those in flight. Each that ends starts the next one. */
export class MessageQueue {
  readonly #stopSignal = new AbortController();
  readonly #consent: RunConsent;
  #queue: PreparedRecipient[] = [];
  #inFlight = 0;
  readonly #begun = new Set<number>();
  #drained: (() => void) | null = null;

  constructor(
    private readonly parts: Pick<
      MailingRunParts,
      'delivery' | 'limiter' | 'journal' | 'mayStart' | 'faultPoints'
    >,
    private readonly run: MessageRun,
  ) {
    // Every message in flight listens to it: more than ten listeners are no leak.
    setMaxListeners(0, this.#stopSignal.signal);
    this.#consent = {
      stop: this.#stopSignal.signal,
      wanted: () => run.wanted(),
      mayStart: () => run.mayStart(),
      begin: (idx) => this.#begin(idx),
    };
  }

  /** Aborts when messages in flight end with what is known of them. */
  get stopSignal(): AbortSignal {
    return this.#stopSignal.signal;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Recipients whose message may be with the mail server, and has no result yet. */
  get begun(): ReadonlySet<number> {
    return this.#begun;
  }

  get length(): number {
    return this.#queue.length;
  }

  /** The first recipient is skipped: nothing is sent for it, so no rate limit applies. */
  get isSkipNext(): boolean {
    return this.#queue.length > 0 && 'skip' in this.#queue[0].addressee;
  }

  push(prepared: PreparedRecipient[]): void {
    this.#queue.push(...prepared);
  }

  start(): void {
    while (this.run.maySend()) {
      const needsRateSlot = !this.isSkipNext;
      if (needsRateSlot && !this.parts.limiter.take()) return;
      void this.#send(this.#queue.shift() as PreparedRecipient, needsRateSlot);
    }
  }

  /** @returns the idx of all that were not begun; they are not in the queue any more. */
  clear(): number[] {
    const indexes = this.#queue.map((one) => one.idx);
    this.#queue = [];
    return indexes;
  }

  /** Messages in flight end with what is known of them. */
  abort(): void {
    this.#stopSignal.abort();
  }

  /** Resolves when no message is in flight. For one caller. */
  async drained(): Promise<void> {
    if (this.#inFlight > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
  }

  /** Checked last, right before the hand-over: a message may have waited for long. */
  #begin(idx: number): () => void {
    if (this.run.mayNotLeave() || !this.parts.mayStart()) throw new LeaseLostError();
    this.#begun.add(idx);
    return this.parts.journal?.begin(idx) ?? NOTHING_TO_CONFIRM;
  }

  async #send(recipient: PreparedRecipient, hasRateSlot: boolean): Promise<void> {
    this.#inFlight++;
    const generation = this.run.generation();
    this.parts.faultPoints.reach('beforeRendered');
    const attempt = await this.parts.delivery.deliver(recipient, this.#consent);
    this.parts.faultPoints.reach('afterAnswer');
    this.#inFlight--;
    this.#begun.delete(recipient.idx);
    if (hasRateSlot) this.parts.limiter.release(wasTried(attempt));
    this.run.take(attempt, generation);
    this.start();
    this.run.wake();
    if (this.#inFlight === 0) this.#drained?.();
  }
}
