import { type DynamicModule, Inject, Module, type OnModuleInit } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, ModuleRef } from '@nestjs/core';
import { TemplateEmailSender } from '../../mailing/src/index.js';
import { startScenario } from './scenario.decorators.js';
import { ScenarioEvents } from './scenario.events.js';
import {
  checkedBatchSize,
  DEFAULT_MAX_BATCH_SIZE,
  type MailingScenariosOptions,
  toTimeouts,
} from './scenario.options.js';
import { ScenarioRunner } from './scenario.runner.js';

/**
 * Runs the classes with `@Scenario()` of an application, beside `MailingModule` and `EventEmitterModule`.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [
 *     EventEmitterModule.forRoot(),
 *     MailingModule.forRoot({ templates: { dir: join(import.meta.dirname, 'templates') } }),
 *     MailingScenariosModule.forRoot({ maxBatchSize: 500 }),
 *   ],
 * })
 * class ShopModule {}
 * ```
 */
@Module({})
export class MailingScenariosModule implements OnModuleInit {
  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(ScenarioRunner) private readonly runner: ScenarioRunner,
  ) {}

  /** @throws ScenarioOptionsError if an option is out of its bounds. */
  static forRoot(options: MailingScenariosOptions = {}): DynamicModule {
    const maxBatchSize = checkedBatchSize(options.maxBatchSize, DEFAULT_MAX_BATCH_SIZE);
    const timeouts = toTimeouts(options);
    const runner = {
      provide: ScenarioRunner,
      useFactory: (moduleRef: ModuleRef, events: ScenarioEvents) =>
        // Looked up at the first event: the module of the plugin may be anywhere in the application.
        new ScenarioRunner(
          () => moduleRef.get(TemplateEmailSender, { strict: false }),
          events,
          maxBatchSize,
          timeouts,
        ),
      inject: [ModuleRef, ScenarioEvents],
    };
    return {
      module: MailingScenariosModule,
      imports: [DiscoveryModule],
      providers: [ScenarioEvents, runner],
      exports: [ScenarioEvents],
    };
  }

  onModuleInit(): void {
    for (const { instance } of this.discovery.getProviders() as { instance: unknown }[]) {
      if (typeof instance === 'object' && instance !== null) startScenario(instance, this.runner);
    }
  }
}
