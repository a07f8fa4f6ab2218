import { type DynamicModule, Module } from '@nestjs/common';
import { UnsubscribeTokens } from '../model/options/unsubscribe.tokens.js';
import { MailingEvents } from '../model/reports/mailing-event.js';
import { TemplateEmailBatchPersister } from '../store/claims/template-email-batch.persister.js';
import { TemplateEmailPersister } from '../store/intake/template-email.persister.js';
import { TemplateEmailBatchServerPersister } from '../store/servers/template-email-batch-server.persister.js';
import { MailingHealth } from '../work/mailing.health.js';
import { MailingQuery } from '../work/mailing.query.js';
import { MailingProfiles } from '../work/recipients/mailing.profiles.js';
import { MailingSuppressions } from '../work/recipients/mailing.suppressions.js';
import { TemplateEmailPeriodicService } from '../work/servers/template-email-periodic.service.js';
import { SlotService } from '../work/slot.service.js';
import { TemplateEmailRestarter } from '../work/sweeps/template-email.restarter.js';
import { TemplateEmailPreview } from '../work/template-email.preview.js';
import { TemplateEmailSender } from '../work/template-email.sender.js';
import { deliveryProviders } from './delivery.providers.js';
import { hostProviders } from './host.providers.js';
import { calledOnce, noteCall, type NotedCall } from './module-calls.js';
import {
  type ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  DEFAULT_EXTRAS,
  entitiesOf,
  type MailingModuleExtras,
  namingOptionErrors,
  type OPTIONS_TYPE,
} from './mailing-module.definition.js';
import { storeProviders } from './store.providers.js';
import { workProviders } from './work.providers.js';

/**
 * Holds all providers that start and stop. It is never global: Nest shuts global modules down in the order in which they were imported,
 * possibly after the mailer has closed its transports.
 */
@Module({})
class MailingEngineModule {}

/**
 * The module of the plugin that a host imports.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [
 *     TypeOrmModule.forRoot({ type: 'mariadb', url, timezone: 'Z', autoLoadEntities: true, migrations: [...mailingMigrations], migrationsRun: true }),
 *     MailerModule.forRoot({ transport: { host: 'localhost', port: 25, pool: true } }),
 *     MailingModule.forRoot({ templates: { dir: join(import.meta.dirname, 'templates') } }),
 *   ],
 * })
 * class AppModule {}
 * ```
 */
@Module({})
export class MailingModule extends ConfigurableModuleClass {
  /**
   * Registers the plugin with options at hand. Call it once for each application and data source, in the root module. The module that it
   * returns may be imported in several places.
   *
   * @throws MailingModuleTwiceError if it was called twice, MailingOptionsError if an option is wrong; both when the application starts.
   */
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return outerModule(super.forRoot(options), options, noteCall(MailingModule, 'forRoot'));
  }

  /**
   * The same with options from a factory, a class or an existing provider.
   *
   * @throws MailingModuleTwiceError if it was called twice, MailingOptionsFactoryError if the factory fails, MailingOptionsError if an option
   * is wrong; all when the application starts.
   */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return outerModule(super.forRootAsync(options), options, noteCall(MailingModule, 'forRootAsync'));
  }
}

function outerModule(definition: DynamicModule, extras: MailingModuleExtras, call: NotedCall): DynamicModule {
  const isGlobal = extras.isGlobal ?? DEFAULT_EXTRAS.isGlobal;
  const dataSource = extras.dataSource ?? DEFAULT_EXTRAS.dataSource;
  const engine: DynamicModule = {
    module: MailingEngineModule,
    imports: [...(definition.imports ?? []), entitiesOf(dataSource)],
    providers: [
      ...namingOptionErrors(definition.providers),
      ...hostProviders(dataSource),
      ...storeProviders,
      ...deliveryProviders,
      ...workProviders,
    ],
    exports: [
      TemplateEmailPreview,
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
  const only = calledOnce(engine, call, {
    module: 'MailingModule',
    scope: `the data source ${JSON.stringify(dataSource)}`,
    consequence:
      'Two would be two servers with one uniqServerId, of which one waits for ever until the other ends.',
  });
  call.outer = { module: MailingModule, global: isGlobal, imports: [only], exports: [only] };
  return call.outer;
}
