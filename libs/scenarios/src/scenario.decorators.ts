import { Injectable, SetMetadata, applyDecorators } from '@nestjs/common';
import { OnEvent } from '@nestjs/event-emitter';
import { ScenarioNotStartedError } from './scenario.errors.js';
import { ownBatchSize, type ScenarioAnswer, type SendEmailOptions } from './scenario.options.js';
import type { ScenarioRunner } from './scenario.runner.js';

const SCENARIO = 'nestjs-mailing:scenario';

/** Started scenarios. Those of an application that is gone are garbage-collected with it. */
const started = new WeakMap<object, { name: string; runner: ScenarioRunner }>();

/**
 * A class whose methods with `@SendEmail` send mail when something happens.
 *
 * @param name of the scenario in execution ids and reports. It has to stay the same: it tells events that were handled before from new
 * ones. Default: name of the class.
 *
 * @example
 * ```ts
 * @Scenario()
 * class Orders {
 *   @SendEmail({ on: 'order.paid', template: 'receipt.hbs', subject: 'Your receipt', from: 'shop@shop.example',
 *     eventId: (event: { orderId: string }) => event.orderId })
 *   receipt(event: { orderId: string; customerId: string }) {
 *     return { info: { params: { order: event.orderId } }, recipients: [{ userId: event.customerId }] };
 *   }
 * }
 * ```
 */
export function Scenario(name?: string): ClassDecorator {
  return applyDecorators(Injectable(), ((target: { name: string }) => {
    Reflect.defineMetadata(SCENARIO, name ?? target.name, target);
  }) as ClassDecorator);
}

/**
 * A method that is called with an event and returns the recipients, as an array or any iterable or async iterable, alone or with fields of
 * the info. Its mailings are always persisted. A call resolves when the mailings are written, and never rejects: what fails is reported
 * (`ScenarioEvents`) and logged.
 *
 * Together with `@Cron` of `@nestjs/schedule`, and without `on`, it sends at that time.
 *
 * @throws ScenarioOptionsError if `maxBatchSize` is out of its bounds.
 * @throws ScenarioNotStartedError from the method, on an object that is no started scenario.
 */
export function SendEmail<Event = never>(options: SendEmailOptions<Event>) {
  ownBatchSize(options);
  return <M extends (event: never) => ScenarioAnswer | Promise<ScenarioAnswer>>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void => {
    const method = descriptor.value as M;
    async function sending(this: object, event: unknown): Promise<void> {
      const known = started.get(this);
      if (!known) throw new ScenarioNotStartedError(String(key));
      const ask = (): ReturnType<M> => method.call(this, event as never) as ReturnType<M>;
      const how = options as SendEmailOptions<unknown>;
      const call = { scenario: known.name, method: String(key), options: how, event, ask };
      return known.runner.handle(call);
    }
    // Decorators below this one, such as @Cron, have marked the method itself.
    for (const mark of Reflect.getOwnMetadataKeys(method) as string[]) {
      SetMetadata(mark, Reflect.getOwnMetadata(mark, method))(target, key, { value: sending });
    }
    descriptor.value = sending as unknown as M;
    const { on } = options;
    const names = on === undefined ? [] : Array.isArray(on) ? on : [on];
    for (const name of names) OnEvent(name)(target, key, descriptor as PropertyDescriptor);
  };
}

/** Binds an object to the application that runs it. @returns false if its class is no scenario. */
export function startScenario(instance: object, runner: ScenarioRunner): boolean {
  const name = Reflect.getMetadata(SCENARIO, instance.constructor) as string | undefined;
  if (name === undefined) return false;
  started.set(instance, { name, runner });
  return true;
}
