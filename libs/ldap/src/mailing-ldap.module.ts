import { type DynamicModule, Module } from '@nestjs/common';
import { calledOnce, noteCall, type NotedCall } from '../../mailing/src/index.js';
import { LdapProfileRepository } from './ldap-profile.repository.js';
import type { LdapProfileOptions } from './ldap-profile.options.js';
import {
  type ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  type OPTIONS_TYPE,
} from './mailing-ldap.definition.js';

/**
 * Makes a `LdapProfileRepository` from options, for the option `profileRepository` or to be injected.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [
 *     MailingLdapModule.forRoot({ url: 'ldaps://ldap.shop.example', base: 'ou=People,o=shop' }),
 *     MailingModule.forRoot({ templates: { dir: join(import.meta.dirname, 'templates') }, profileRepository: LdapProfileRepository }),
 *   ],
 * })
 * class DirectoryModule {}
 * ```
 */
@Module({
  providers: [
    {
      provide: LdapProfileRepository,
      useFactory: (options: LdapProfileOptions) => new LdapProfileRepository(options),
      inject: [MODULE_OPTIONS_TOKEN],
    },
  ],
  exports: [LdapProfileRepository],
})
export class MailingLdapModule extends ConfigurableModuleClass {
  /**
   * Registers the repository with options at hand. Call it once for an application; for a second directory extend
   * `LdapProfileRepository`.
   *
   * @throws LdapOptionsError, MailingModuleTwiceError when the application starts.
   */
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return once(super.forRoot(options), noteCall(MailingLdapModule, 'forRoot'));
  }

  /**
   * The same with options from a factory, a class or an existing provider.
   *
   * @throws LdapOptionsError, MailingModuleTwiceError when the application starts.
   */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return once(super.forRootAsync(options), noteCall(MailingLdapModule, 'forRootAsync'));
  }
}

function once(made: DynamicModule, call: NotedCall): DynamicModule {
  call.outer = calledOnce(made, call, {
    module: 'MailingLdapModule',
    consequence:
      'Of two repositories of one class MailingModule would ask one. For a second directory extend LdapProfileRepository.',
  });
  return call.outer;
}
