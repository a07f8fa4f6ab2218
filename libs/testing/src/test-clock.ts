import { MailingTestingArgumentError } from './mailing-testing.errors.js';

/** A hundred years. */
const MAX_ADVANCE_MS = 3_155_760_000_000;

/**
 * The clock of the database and of every wait of the plugin. It goes on by itself as any clock, and can be moved forward. What a host asks
 * `Date` for is not moved.
 */
export class TestClock {
  #aheadMs = 0;

  /** @param moved called after each move. */
  constructor(private readonly moved: (ms: number) => void) {}

  /** How far it is ahead of the clock of the machine, in milliseconds. */
  get aheadMs(): number {
    return this.#aheadMs;
  }

  /** Milliseconds since 1970, as `Date.now()`. */
  now(): number {
    return Date.now() + this.#aheadMs;
  }

  /**
   * Moves it forward. What has become due goes on in the background; `flush()` awaits it.
   *
   * @throws MailingTestingArgumentError if `ms` is not a number from 0 to a hundred years.
   *
   * @example
   * ```ts
   * declare const mailing: MailingTesting;
   * mailing.clock.advance(60 * 60_000);
   * await mailing.flush();
   * ```
   */
  advance(ms: number): void {
    if (typeof ms !== 'number' || !(ms >= 0 && ms <= MAX_ADVANCE_MS))
      throw new MailingTestingArgumentError('clock.advance: ms', `a number from 0 to ${MAX_ADVANCE_MS}`, ms);
    this.#aheadMs += ms;
    this.moved(ms);
  }
}
