/**
 * For the tests of a host.
 *
 * @module nestjs-mailing/testing
 */
export {
  emailMessageSenderChecks,
  type MessageSenderBehavior,
  type MessageSenderCheck,
  type MessageSenderRig,
} from './message-sender.checks.js';
