import { kindOf, MailingError } from '../../mailing/src/index.js';

/** An option or argument of the testing part is missing, unknown or wrong. */
export class MailingTestingArgumentError extends MailingError {
  readonly code = 'MAILING_TESTING_ARGUMENT';
  /** In words. */
  readonly got: string;

  constructor(
    readonly argument: string,
    readonly expected: string,
    value: unknown,
  ) {
    const got = typeof value === 'number' ? String(value) : kindOf(value);
    super(`Testing: expected ${argument} to be ${expected}, got ${got}. Correct it.`);
    this.got = got;
  }
}

/** No driver for the database in memory is installed. */
export class MailingTestingDriverError extends MailingError {
  readonly code = 'MAILING_TESTING_DRIVER';

  constructor(
    /** Packages that were looked for. */
    readonly packages: readonly string[],
    cause: unknown,
  ) {
    super(
      `Testing: the database in memory needs a driver for SQLite, and neither of ${packages.join(' and ')} can be loaded. ` +
        `Install one (npm install -D ${packages[0]}), or pass its class (new MailingTesting({ driver })).`,
      { cause },
    );
  }
}

/** No application with mailings runs in this test. */
export class MailingTestingNotStartedError extends MailingError {
  readonly code = 'MAILING_TESTING_NOT_STARTED';

  constructor(
    /** The method that was called. */
    readonly call: string,
  ) {
    super(
      `Testing: ${call}() was called, and no application with these mailings is running. Import MailingTestingModule.forRoot() or call override(), ` +
        'then compile() the module and await its init().',
    );
  }
}

/** A second application was to be started on the same database in memory, which has one connection. */
export class MailingTestingRunningError extends MailingError {
  readonly code = 'MAILING_TESTING_RUNNING';

  constructor() {
    super(
      'Testing: an application is still running on this database in memory. Await its close(), or kill(), before the next one starts; ' +
        'give applications that run at the same time a MailingTesting each.',
    );
  }
}

/** `flush()` has waited in vain. */
export class MailingTestingTimeoutError extends MailingError {
  readonly code = 'MAILING_TESTING_TIMEOUT';

  constructor(
    readonly timeoutMs: number,
    /** What is still under way, in words. */
    readonly underWay: readonly string[],
  ) {
    super(
      `Testing: after ${timeoutMs} ms of flush() there is still something under way: ${underWay.join('; ')}. ` +
        'Look at what it waits for, or give it more time (flush({ timeoutMs })).',
    );
  }
}

/** A statement or a message of an application that `kill()` or `killAfter()` has ended. */
export class ProcessKilledError extends MailingError {
  readonly code = 'MAILING_TESTING_KILLED';

  constructor() {
    super(
      'Testing: this application was killed, so nothing of it reaches the database or the mail server. Use the application that was started after it.',
    );
  }
}
