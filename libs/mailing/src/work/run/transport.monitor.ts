import { PAUSE_REASONS } from '../../model/states/mailing-status.js';
import { NO_ANSWER, type Outcome } from '../../model/states/outcome.js';
import { toPublicText } from '../../model/values/public-text.js';
import { BackOff } from '../pacing/back-off.js';
import type { MailingRunParts } from './mailing-run.parts.js';
import { CongestionWindow } from '../pacing/congestion-window.js';
import type { Wait } from '../pacing/wait.js';

/** So many connections that break after a message, with no answer between them, are an outage. */
const MAX_BREAKS = 3;

/** What one run knows about the transport from its answers: whether it works, how much it takes, how long to wait. */
export class TransportMonitor {
  readonly #backOff = new BackOff();
  readonly #window: CongestionWindow;
  #downSince: number | null = null;
  #outage = { what: '', reason: '' };
  readonly #silent = new Set<number>();
  #breaksInARow = 0;

  constructor(private readonly parts: Pick<MailingRunParts, 'mailingId' | 'options' | 'events'>) {
    this.#window = new CongestionWindow(parts.options.concurrency);
  }

  /** Messages that may be in flight at the moment. */
  get level(): number {
    return this.#window.level;
  }

  /** Ask at the start of a message and give it back with a throttling answer to it. */
  get generation(): number {
    return this.#window.generation;
  }

  /** Milliseconds before anything may be tried again. */
  waitMs(): number {
    return this.#backOff.remainingMs();
  }

  /**
   * Whether it belongs to an outage that is known, and is no evidence against the mailing: silence, as long as the outage lasts, and the
   * other connections that broke. A message that is tried after the wait and breaks as well is evidence, because its recipient ends in doubt.
   */
  isKnownOutage({ status, code }: Outcome): boolean {
    if (status === 'in_doubt') return this.waitMs() > 0;
    return code === NO_ANSWER && this.#downSince !== null && this.#isOfMailServer;
  }

  /** It is known that the mail server is out of reach, and nothing may be tried. */
  get isDown(): boolean {
    return this.waitMs() > 0 && this.#isOfMailServer;
  }

  get #isOfMailServer(): boolean {
    return this.#outage.what === PAUSE_REASONS.transport;
  }

  /** What is out of reach, while nothing may be tried. */
  get wait(): Wait | null {
    return this.waitMs() === 0 ? null : this.outage;
  }

  /** The same, also while it is being tried again: an outage is over with an answer. */
  get outage(): Wait | null {
    if (this.#downSince === null) return null;
    const { what, reason } = this.#outage;
    return { what: `${what}: ${toPublicText(reason)}`, since: this.#downSince };
  }

  /** Something of the host's is out of reach, and not the mail server, which all mailings share. */
  get waitsForHost(): boolean {
    return this.wait !== null && !this.#isOfMailServer;
  }

  /** The mail server answered a message, whatever it answered. */
  works(): void {
    this.#silent.clear();
    this.#breaksInARow = 0;
    if (this.#downSince !== null) this.#tellEnd(this.#downSince);
    this.#downSince = null;
    this.#backOff.succeed();
    this.#window.succeeded();
  }

  #tellEnd(since: number): void {
    const { events, mailingId } = this.parts;
    events.emit('outage:ended', {
      mailingId,
      what: this.#outage.what,
      lastedMs: Math.round(performance.now() - since),
    });
  }

  /**
   * It fell silent before it had this message. That may be about this recipient, until it happens with another one too and
   * nobody was answered in between.
   *
   * @returns true if it is silent to everybody.
   */
  fallsSilent(idx: number): boolean {
    this.#silent.add(idx);
    return this.#silent.size > 1;
  }

  /** A connection broke after the message. @returns true if that is all it does any more. */
  breaks(): boolean {
    return ++this.#breaksInARow >= MAX_BREAKS;
  }

  /**
   * It can't be reached.
   *
   * @param what the beginning of the reason to pause.
   * @returns why to pause, once patience is over; null: wait and try again.
   */
  down(reason: string, what: string = PAUSE_REASONS.transport): string | null {
    this.#window.interrupted();
    return this.#wait(reason, what);
  }

  /** It wants less at a time. At the lowest level there is nothing left but to wait. @returns as `down`. */
  throttled(reason: string, generation: number): string | null {
    if (!this.#window.throttled(generation)) return null;
    const { events, mailingId } = this.parts;
    events.emit('transport:throttled', { mailingId, reason, concurrency: this.#window.level });
    return this.#window.level === 1 ? this.#wait(reason, PAUSE_REASONS.transport) : null;
  }

  #wait(reason: string, what: string): string | null {
    const now = performance.now();
    this.#downSince ??= now;
    if (now - this.#downSince > this.parts.options.transportOutageTimeoutMs) return `${what}: ${reason}`;
    this.#outage = { what, reason };
    const isNews = this.#backOff.remainingMs() === 0;
    const retryInMs = this.#backOff.fail();
    const { events, mailingId } = this.parts;
    if (isNews) events.emit('transport:down', { mailingId, what, reason, retryInMs });
    return null;
  }
}
