import { type DynamicModule, Inject, Module, type OnModuleInit } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, ModuleRef } from '@nestjs/core';
import { calledOnce, noteCall, TemplateEmailSender } from '../../mailing/src/index.js';
import { startScenario } from './scenario.decorators.js';
import { ScenarioEvents } from './scenario.events.js';
import { type MailingScenariosOptions, toScenariosSettings } from './scenario.options.js';
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

  /**
   * Call it once for an application, in the root module.
   *
   * @throws ScenarioOptionsError if an option is unknown or out of its bounds.
   * @throws MailingModuleTwiceError when the application starts, if it was called twice.
   */
  static forRoot(options: MailingScenariosOptions = {}): DynamicModule {
    const call = noteCall(MailingScenariosModule, 'forRoot');
    const settings = toScenariosSettings(options);
    const runner = {
      provide: ScenarioRunner,
      useFactory: (moduleRef: ModuleRef, events: ScenarioEvents) =>
        // Looked up at the first event: the module of the plugin may be anywhere in the application.
        new ScenarioRunner(() => moduleRef.get(TemplateEmailSender, { strict: false }), events, settings),
      inject: [ModuleRef, ScenarioEvents],
    };
    const made = {
      module: MailingScenariosModule,
      imports: [DiscoveryModule],
      providers: [ScenarioEvents, runner],
      exports: [ScenarioEvents],
    };
    call.outer = calledOnce(made, call, {
      module: 'MailingScenariosModule',
      consequence:
        'Of two, one would run all scenarios, and the options and ScenarioEvents of the other would be without effect.',
    });
    return call.outer;
  }

  onModuleInit(): void {
    for (const { instance } of this.discovery.getProviders() as { instance: unknown }[]) {
      if (typeof instance === 'object' && instance !== null) startScenario(instance, this.runner);
    }
  }
}
