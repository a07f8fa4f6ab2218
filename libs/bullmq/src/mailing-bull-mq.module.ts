import { BullModule, getQueueToken, getSharedConfigToken } from '@nestjs/bullmq';
import { type DynamicModule, type FactoryProvider, Module } from '@nestjs/common';
import type { Queue, QueueOptions } from 'bullmq';
import { calledOnce, noteCall, type NotedCall } from '../../mailing/src/index.js';
import { BullMqDispatcher } from './bull-mq.dispatcher.js';
import {
  type ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  type OPTIONS_TYPE,
} from './mailing-bull-mq.definition.js';
import {
  type MailingBullMqOptions,
  type MailingBullMqSettings,
  type SharedBullOptions,
  toMailingBullMqSettings,
} from './mailing-bull-mq.options.js';
import { promptConnection } from './redis-connections.js';

/** Nest's name of the queue; its name in Redis is an option. */
const QUEUE = 'nestjs-mailing';
const SETTINGS = Symbol('MAILING_BULLMQ_SETTINGS');

const settings: FactoryProvider<MailingBullMqSettings> = {
  provide: SETTINGS,
  useFactory: (options: MailingBullMqOptions, shared?: SharedBullOptions) =>
    toMailingBullMqSettings(options, shared),
  inject: [MODULE_OPTIONS_TOKEN, { token: getSharedConfigToken(), optional: true }],
};

const dispatcher: FactoryProvider<BullMqDispatcher> = {
  provide: BullMqDispatcher,
  useFactory: (queue: Queue, known: MailingBullMqSettings) => new BullMqDispatcher(queue, known),
  inject: [getQueueToken(QUEUE), SETTINGS],
};

/** Holds the options. It is a module of its own, because the queue is made from them too. */
@Module({})
class MailingBullMqOptionsModule {}

/**
 * Lets servers learn of free batches through Redis, within milliseconds.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [
 *     MailingBullMqModule.forRoot({ connection: 'redis://localhost:6379', clusterRatePerSecond: 500 }),
 *     MailingModule.forRoot({
 *       templates: { dir: join(import.meta.dirname, 'templates') },
 *       enabledAsTemplateMailServer: true,
 *       batch: { dispatcher: BullMqDispatcher, batchIfPossible: true },
 *     }),
 *   ],
 * })
 * class ClusterModule {}
 * ```
 */
@Module({})
export class MailingBullMqModule extends ConfigurableModuleClass {
  /**
   * Registers queue and dispatcher with options at hand. Call it once for an application.
   *
   * @throws MailingBullMqOptionsError, MailingModuleTwiceError when the application starts.
   */
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return withQueue(super.forRoot(options), noteCall(MailingBullMqModule, 'forRoot'));
  }

  /**
   * The same with options from a factory, a class or an existing provider.
   *
   * @throws MailingBullMqOptionsError, MailingModuleTwiceError when the application starts.
   */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return withQueue(super.forRootAsync(options), noteCall(MailingBullMqModule, 'forRootAsync'));
  }
}

function withQueue({ imports, providers }: DynamicModule, call: NotedCall): DynamicModule {
  const options: DynamicModule = {
    module: MailingBullMqOptionsModule,
    imports,
    providers: [...(providers ?? []), settings],
    exports: [SETTINGS],
  };
  const queue = BullModule.registerQueueAsync({
    name: QUEUE,
    imports: [options],
    inject: [SETTINGS],
    useFactory: ({ queueName, prefix, connection }: MailingBullMqSettings) =>
      ({ name: queueName, prefix, connection: promptConnection(connection) }) satisfies QueueOptions & {
        name: string;
      },
  });
  const made = {
    module: MailingBullMqModule,
    imports: [options, queue],
    providers: [dispatcher],
    exports: [dispatcher, queue],
  };
  call.outer = calledOnce(made, call, {
    module: 'MailingBullMqModule',
    consequence:
      'Of two dispatchers one is used, and the options of the other, such as clusterRatePerSecond, would be without effect.',
  });
  return call.outer;
}
