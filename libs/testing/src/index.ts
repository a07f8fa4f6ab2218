/**
 * For tests of a host: its mailings in memory, with a clock that can be moved, and checks for a message sender of its own.
 *
 * @module nestjs-mailing/testing
 */
export { type FlushOptions, MailingTesting, type MailingTestingSettings } from './mailing-testing.js';
export {
  MailingTestingArgumentError,
  MailingTestingDriverError,
  MailingTestingNotStartedError,
  MailingTestingRunningError,
  MailingTestingTimeoutError,
  ProcessKilledError,
} from './mailing-testing.errors.js';
export { MailingTestingModule, type MailingTestingOptions } from './mailing-testing.module.js';
export type { OverridableModule, OverrideOptions } from './override-providers.js';
export type { Failure } from './failures.js';
export type { SentAttachment, SentMessage } from './sent-message.js';
export type { TestClock } from './test-clock.js';
export {
  emailMessageSenderChecks,
  type MessageSenderBehavior,
  type MessageSenderCheck,
  type MessageSenderRig,
} from './message-sender.checks.js';
