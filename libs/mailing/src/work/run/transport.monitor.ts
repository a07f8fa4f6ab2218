import { PAUSE_REASONS } from '../../model/states/mailing-status.js';
import { NO_ANSWER, type Outcome } from '../../model/states/outcome.js';
import { toPublicText } from '../../model/values/public-text.js';
import { BackOff } from '../pacing/back-off.js';
import type { MailingRunParts } from './mailing-run.parts.js';
import { CongestionWindow } from '../pacing/congestion-window.js';
import type { Wait } from '../pacing/wait.js';

/** This many connections that break after a message, with no answer between them, are an outage. */
const MAX_BREAKS = 3;

/** What one run knows about the transport from its answers: whether it works, how many messages it accepts at a time, how long to wait. */
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

  /** Read it when a message starts, and pass it to `throttled` with a throttling answer to that message. */
  get generation(): number {
    return this.#window.generation;
  }

  /** Milliseconds before anything may be tried again. */
  waitMs(): number {
    return this.#backOff.remainingMs();
  }

  /** For a test. */
  passTime(ms: number): void {
    this.#backOff.passTime(ms);
    if (this.#downSince !== null) this.#downSince -= ms;
  }

  /**
   * Whether an outcome belongs to a known outage, and so is no evidence against the mailing. It does if the mail server gave no answer while the
   * outage lasts, or if one more connection broke before the next try. A message that is tried after the wait and breaks as well is evidence, because
   * its recipient ends in doubt.
   */
  isKnownOutage({ status, code }: Outcome): boolean {
    if (status === 'in_doubt') return this.waitMs() > 0;
    return code === NO_ANSWER && this.#downSince !== null && this.#isOfMailServer;
  }

  /** The mail server is known to be unreachable, and nothing may be tried. */
  get isDown(): boolean {
    return this.waitMs() > 0 && this.#isOfMailServer;
  }

  get #isOfMailServer(): boolean {
    return this.#outage.what === PAUSE_REASONS.transport;
  }

  /** What is unreachable, while nothing may be tried. */
  get wait(): Wait | null {
    return this.waitMs() === 0 ? null : this.outage;
  }

  /** As `wait`, but also during a new try: only an answer ends an outage. */
  get outage(): Wait | null {
    if (this.#downSince === null) return null;
    const { what, reason } = this.#outage;
    return { what: `${what}: ${toPublicText(reason)}`, since: this.#downSince };
  }

  /** A service of the host is unreachable, and not the mail server, which all mailings share. */
  get waitsForHost(): boolean {
    return this.wait !== null && !this.#isOfMailServer;
  }

  /** The mail server answered a message, with whatever answer. */
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
   * The mail server fell silent before it had this message. That may be caused by this recipient, unless it happens with a second one and no message
   * was answered in between.
   *
   * @returns true if a second recipient met silence, too.
   */
  fallsSilent(idx: number): boolean {
    this.#silent.add(idx);
    return this.#silent.size > 1;
  }

  /** A connection broke after the message. @returns true if that is an outage. */
  breaks(): boolean {
    return ++this.#breaksInARow >= MAX_BREAKS;
  }

  /**
   * The transport, or a service of the host, is unreachable.
   *
   * @param what the beginning of the pause reason.
   * @returns why to pause, once the outage has lasted longer than `transportOutageTimeoutMs`; null: wait and try again.
   */
  down(reason: string, what: string = PAUSE_REASONS.transport): string | null {
    this.#window.interrupted();
    return this.#wait(reason, what);
  }

  /**
   * The mail server asks for fewer messages at a time. At the lowest level the run can only wait.
   *
   * @param retryAfterMs how long the mail server asks to wait; 0: it does not say.
   * @returns as `down`.
   */
  throttled(reason: string, generation: number, retryAfterMs = 0): string | null {
    if (!this.#window.throttled(generation)) return null;
    const { events, mailingId } = this.parts;
    events.emit('transport:throttled', { mailingId, reason, concurrency: this.#window.level });
    const mustWait = this.#window.level === 1 || retryAfterMs > 0;
    return mustWait ? this.#wait(reason, PAUSE_REASONS.transport, retryAfterMs) : null;
  }

  #wait(reason: string, what: string, atLeastMs = 0): string | null {
    const now = performance.now();
    this.#downSince ??= now;
    if (now - this.#downSince > this.parts.options.transportOutageTimeoutMs) return `${what}: ${reason}`;
    this.#outage = { what, reason };
    const isNews = this.#backOff.remainingMs() === 0;
    const retryInMs = this.#backOff.fail(atLeastMs);
    const { events, mailingId } = this.parts;
    if (isNews) events.emit('transport:down', { mailingId, what, reason, retryInMs });
    return null;
  }
}
