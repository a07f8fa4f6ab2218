/**
 * The page behind the links to unsubscribe.
 *
 * @module nestjs-mailing/unsubscribe
 */
export { MailingUnsubscribeModule } from './mailing-unsubscribe.module.js';
export type { MailingUnsubscribeOptionsFactory } from './mailing-unsubscribe.definition.js';
export type { MailingUnsubscribeOptions } from './mailing-unsubscribe.options.js';
export {
  MailingUnsubscribeOptionsError,
  UnsubscribeStoreMissingError,
} from './mailing-unsubscribe.errors.js';
export { UnsubscribeController } from './unsubscribe.controller.js';
export { UnsubscribePage } from './unsubscribe.page.js';
export type { UnsubscribeTexts } from './unsubscribe.texts.js';
export { Unsubscriber } from './unsubscriber.js';
