import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { MailingUnsubscribeOptions } from './mailing-unsubscribe.options.js';

/** What a class given as `useClass` or `useExisting` has to offer. */
export interface MailingUnsubscribeOptionsFactory {
  createMailingUnsubscribeOptions(): MailingUnsubscribeOptions | Promise<MailingUnsubscribeOptions>;
}

/** The part of Nest's module definition that the module and its options types are made from. */
export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<MailingUnsubscribeOptions>({ moduleName: 'MailingUnsubscribe' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createMailingUnsubscribeOptions')
    .build();
