import { checkFailure, type Failure } from './failures.js';
import { MailingTestingArgumentError, MailingTestingNotStartedError } from './mailing-testing.errors.js';
import { type OverridableModule, overrideProviders, type OverrideOptions } from './override-providers.js';
import type { SentMessage } from './sent-message.js';
import { settle } from './settling.js';
import { type Running, surround, type Surroundings } from './surroundings.js';
import type { TestClock } from './test-clock.js';

/** Settings of a `MailingTesting`. */
export interface MailingTestingSettings {
  /** The class that `better-sqlite3` or `libsql` exports. Default: `libsql`, or else `better-sqlite3`, whichever is installed. */
  driver?: unknown;
}

/** How `flush` waits. */
export interface FlushOptions {
  /** Default: 10,000. */
  timeoutMs?: number;
}

const FLUSH_TIMEOUT_MS = 10_000;

/**
 * The surroundings of mailings in a test: a database, a mail server and a clock, all in memory. They outlive the applications that use them one
 * after the other, so a test can kill one and start the next.
 *
 * `MailingTestingModule.forRoot` makes one for each call. Make it yourself to share it between applications, or to put it under an application that
 * has its own `MailingModule`.
 *
 * @example
 * ```ts
 * declare const AppModule: Type;
 * const mailing = new MailingTesting();
 * const app = await mailing.override(Test.createTestingModule({ imports: [AppModule] })).compile();
 * await app.init();
 * await mailing.flush();
 * console.log(mailing.sentMessages().map(({ to, subject }) => `${to}: ${subject}`));
 * await app.close();
 * ```
 */
export class MailingTesting {
  /** Due times, schedules and leases go by it, and so does every wait of the plugin. */
  readonly clock: TestClock;
  readonly #surroundings: Surroundings;

  /** @throws MailingTestingArgumentError if a setting is wrong. */
  constructor(settings: MailingTestingSettings = {}) {
    this.#surroundings = surround(this, settings?.driver);
    this.clock = this.#surroundings.clock;
  }

  /** All messages that the mail server has got until now, in the order of their arrival. */
  sentMessages(): SentMessage[] {
    return [...this.#surroundings.mailbox.messages];
  }

  /**
   * The next messages fail. Failures that were asked for before come first.
   *
   * @param times how many messages. Default: 1.
   * @throws MailingTestingArgumentError if an argument is wrong.
   *
   * @example
   * ```ts
   * declare const mailing: MailingTesting;
   * mailing.failNext('temporary');
   * mailing.failNext({ code: 552, text: '5.2.2 Mailbox full' }, 2);
   * ```
   */
  failNext(failure: Failure, times = 1): void {
    checkFailure(failure);
    checkCount('failNext: times', times);
    this.#surroundings.mailbox.failNext(failure, times);
  }

  /**
   * Resolves when nothing is due any more: each mailing has ended, or waits for a later time of the clock, for a person, or for another server; or
   * when the application was killed meanwhile.
   *
   * @throws MailingTestingNotStartedError if no application is running. MailingTestingTimeoutError naming what is still under way after `timeoutMs`.
   */
  async flush({ timeoutMs = FLUSH_TIMEOUT_MS }: FlushOptions = {}): Promise<void> {
    checkCount('flush: timeoutMs', timeoutMs);
    const running = this.#runningFor('flush');
    await settle(this.#surroundings, running, timeoutMs);
  }

  /**
   * Kills the application as `kill -9` does: from now on nothing of it reaches the database or the mail server. What it was in the middle of stays as it
   * is for the next application. Close the application of the test afterwards, for what else it holds.
   *
   * @throws MailingTestingNotStartedError if no application is running.
   */
  async kill(): Promise<void> {
    return this.#surroundings.kill(this.#runningFor('kill'));
  }

  /**
   * Kills the application as soon as so many more messages have arrived at the mail server, before the last of them is answered. `flush()` resolves then.
   *
   * @throws MailingTestingArgumentError if it is not a whole number from 1 on.
   *
   * @example
   * ```ts
   * declare const mailing: MailingTesting;
   * mailing.killAfter(2);
   * ```
   */
  killAfter(messages: number): void {
    checkCount('killAfter: messages', messages);
    this.#surroundings.mailbox.afterNext(messages, () => {
      const { running } = this.#surroundings;
      if (running) void this.#surroundings.kill(running);
    });
  }

  /**
   * Puts the database, the mail server and the clock of this object under an application that has its own `TypeOrmModule.forRoot`,
   * `MailerModule.forRoot` and `MailingModule.forRoot`: their options count, except for the connections. The tables of the application are made from its
   * entities, which SQLite has to know; its migrations are not run.
   *
   * @param builder what `Test.createTestingModule` returns.
   * @returns the same builder.
   */
  override<B extends OverridableModule>(builder: B, options: OverrideOptions = {}): B {
    return overrideProviders(this.#surroundings, builder, options);
  }

  #runningFor(call: string): Running {
    const { running } = this.#surroundings;
    if (!running) throw new MailingTestingNotStartedError(call);
    return running;
  }
}

function checkCount(argument: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || Number(value) < 1)
    throw new MailingTestingArgumentError(argument, 'a whole number from 1 on', value);
}
