import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { MailingBullMqOptions } from './mailing-bull-mq.options.js';

/** What a class given as `useClass` or `useExisting` has to offer. */
export interface MailingBullMqOptionsFactory {
  createMailingBullMqOptions(): MailingBullMqOptions | Promise<MailingBullMqOptions>;
}

/** The part of Nest's module definition that the module and its options types are made from. */
export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<MailingBullMqOptions>({ moduleName: 'MailingBullMq' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createMailingBullMqOptions')
    .build();
