/**
 * Wake-up of servers over Redis, and one rate for all of them.
 *
 * @module nestjs-mailing/bullmq
 */
export { BullMqDispatcher } from './bull-mq.dispatcher.js';
export { MailingBullMqModule } from './mailing-bull-mq.module.js';
export type { MailingBullMqOptionsFactory } from './mailing-bull-mq.definition.js';
export type { MailingBullMqOptions } from './mailing-bull-mq.options.js';
export { MailingBullMqOptionsError } from './mailing-bull-mq.errors.js';
