import { type DynamicModule, Module } from '@nestjs/common';
import { engineProviders } from './mailing-engine.providers.js';
import {
  type ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  DEFAULT_EXTRAS,
  entitiesOf,
  type MailingModuleExtras,
  namingOptionErrors,
  type OPTIONS_TYPE,
} from './mailing-module.definition.js';
import { MailingEvents } from './model/mailing-event.js';
import { UnsubscribeTokens } from './model/unsubscribe.tokens.js';
import { TemplateEmailBatchServerPersister } from './store/template-email-batch-server.persister.js';
import { TemplateEmailBatchPersister } from './store/template-email-batch.persister.js';
import { TemplateEmailPersister } from './store/template-email.persister.js';
import { MailingHealth } from './work/mailing.health.js';
import { MailingQuery } from './work/mailing.query.js';
import { MailingProfiles } from './work/mailing.profiles.js';
import { MailingSuppressions } from './work/mailing.suppressions.js';
import { SlotService } from './work/slot.service.js';
import { TemplateEmailPeriodicService } from './work/template-email-periodic.service.js';
import { TemplateEmailRehearsal } from './work/template-email.rehearsal.js';
import { TemplateEmailRestarter } from './work/template-email.restarter.js';
import { TemplateEmailSender } from './work/template-email.sender.js';

/**
 * Where everything lives that starts and stops. It is never global: Nest ends global modules in the order in which they
 * were imported, possibly after the mailer has closed its transports.
 */
@Module({})
class MailingEngineModule {}

/**
 * The door of the plugin.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [
 *     TypeOrmModule.forRoot({ type: 'mariadb', url, timezone: 'Z', autoLoadEntities: true, migrations: [...mailingMigrations], migrationsRun: true }),
 *     MailerModule.forRoot({ transport: { host: 'localhost', port: 25, pool: true } }),
 *     MailingModule.forRoot({ templates: { dir: join(import.meta.dirname, 'templates') }, uniqServerId: '64.69.0.100:8851' }),
 *   ],
 * })
 * class AppModule {}
 * ```
 */
@Module({})
export class MailingModule extends ConfigurableModuleClass {
  /** Registers the plugin with options at hand. */
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return doorOf(super.forRoot(options), options);
  }

  /** Registers the plugin with options from a factory, a class or an existing provider. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return doorOf(super.forRootAsync(options), options);
  }
}

function doorOf(definition: DynamicModule, extras: MailingModuleExtras): DynamicModule {
  const { isGlobal, dataSource } = { ...DEFAULT_EXTRAS, ...extras };
  const engine: DynamicModule = {
    module: MailingEngineModule,
    imports: [...(definition.imports ?? []), entitiesOf(dataSource)],
    providers: [...namingOptionErrors(definition.providers), ...engineProviders(dataSource)],
    exports: [
      TemplateEmailRehearsal,
      TemplateEmailSender,
      TemplateEmailPersister,
      TemplateEmailRestarter,
      TemplateEmailPeriodicService,
      TemplateEmailBatchPersister,
      TemplateEmailBatchServerPersister,
      MailingQuery,
      MailingHealth,
      MailingEvents,
      MailingProfiles,
      MailingSuppressions,
      UnsubscribeTokens,
      SlotService,
    ],
  };
  return { module: MailingModule, global: isGlobal, imports: [engine], exports: [engine] };
}
