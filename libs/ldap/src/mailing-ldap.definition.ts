import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { LdapProfileOptions } from './ldap-profile.options.js';

/** What a class given as `useClass` or `useExisting` has to offer. */
export interface MailingLdapOptionsFactory {
  createMailingLdapOptions(): LdapProfileOptions | Promise<LdapProfileOptions>;
}

/** The part of Nest's module definition that the module and its options types are made from. */
export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<LdapProfileOptions>({ moduleName: 'MailingLdap' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createMailingLdapOptions')
    .build();
