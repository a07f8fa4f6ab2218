import { type DynamicModule, Module } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule } from '@nestjs/event-emitter';
import { Cron, ScheduleModule } from '@nestjs/schedule';
import { Mailing, UnknownRecipientsError } from 'nestjs-mailing';
import {
  MailingScenariosModule,
  Scenario,
  type ScenarioAnswer,
  type ScenarioEventMap,
  ScenarioEvents,
  ScenarioNotStartedError,
  ScenarioOptionsError,
  SendEmail,
} from 'nestjs-mailing/scenarios';
import { describe, expect, it } from 'vitest';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import type { MailingApp } from '../support/hosts/mailing-app.js';
import { MailingRig } from '../support/hosts/mailing-rig.js';
import { waitUntil } from '../support/wait-until.js';

interface OrderPaid {
  id: string;
  customers: string[];
  failAt?: number;
}

const FROM = { subject: 'Your receipt', from: 'shop@shop.example' };

@Scenario()
class Orders {
  @SendEmail({
    on: 'order.paid',
    template: 'receipt.hbs',
    ...FROM,
    maxBatchSize: 10,
    eventId: (event: OrderPaid) => event.id,
  })
  receipt({ id, customers, failAt }: OrderPaid): ScenarioAnswer {
    async function* list(): AsyncGenerator<string> {
      for (const [n, name] of customers.entries()) {
        if (n === failAt) throw new Error('the directory does not answer');
        yield `${name}@home.example`;
      }
    }
    return { info: { params: { id } }, recipients: list() };
  }

  @SendEmail({ on: ['shop.opened', 'shop.closed'], template: 'receipt.hbs', ...FROM })
  async everybody(name: string): Promise<ScenarioAnswer> {
    if (name === 'nobody') return null;
    if (name === 'trouble') throw new Error('no such shop');
    if (name === 'text') return 'ann@home.example' as never;
    const recipients = [`${name}@home.example`];
    if (name !== 'unclosed') return recipients;
    const entries = recipients.values();
    const next = (): IteratorResult<string> => entries.next();
    return {
      [Symbol.iterator]: () => ({ next, return: () => Promise.reject(new Error('no cursor')) as never }),
    };
  }
}

@Scenario('morning')
class Morning {
  @SendEmail({ template: 'receipt.hbs', ...FROM, eventId: () => '2026-11-25' })
  @Cron('* * * * * *')
  below(): ScenarioAnswer {
    return ['below@home.example'];
  }

  @Cron('* * * * * *')
  @SendEmail({ template: 'receipt.hbs', ...FROM, eventId: () => 'ü'.repeat(300) })
  above(): ScenarioAnswer {
    return ['above@home.example'];
  }
}

@Module({})
class Host {
  static with(...providers: (typeof Orders | typeof Morning)[]): DynamicModule {
    return { module: Host, providers };
  }
}

const boot = async (rig: MailingRig, id: string, host: DynamicModule): Promise<MailingApp> =>
  rig.boot(
    { uniqServerId: id },
    {
      templates: { 'receipt.hbs': '<p>{{id}} for {{email}}</p>' },
      imports: [
        EventEmitterModule.forRoot(),
        ScheduleModule.forRoot(),
        MailingScenariosModule.forRoot(),
        host,
      ],
    },
  );

const emit = (app: MailingApp, name: string, event: unknown): Promise<unknown[]> =>
  app.nest.get(EventEmitter2).emitAsync(name, event);

const customers = (count: number): string[] => Array.from({ length: count }, (_, n) => `reader${n}`);

/** The events that the application emits from now on. */
function reports<K extends keyof ScenarioEventMap>(app: MailingApp, name: K): ScenarioEventMap[K][] {
  const facts: ScenarioEventMap[K][] = [];
  app.nest.get(ScenarioEvents).on(name, (one) => facts.push(one));
  return facts;
}

forEachDatabase('scenarios', (kind) => {
  const rig = MailingRig.forEachTest(kind);

  const assertOneEach = async (app: MailingApp, execution: string, count: number): Promise<void> => {
    await waitUntil(async () => (await app.query.byExecution(execution))?.numSent === count, {
      what: 'all to be sent',
    });
    const copies = rig.inbox.countsByRecipient();
    expect([copies.size, rig.inbox.messages.length]).toEqual([count, count]);
  };

  it('split a long list into persisted mailings of one execution, and an event handled twice sends once', async () => {
    const app = await boot(rig, 'test:1', Host.with(Orders));
    const handled = reports(app, 'scenario:handled');
    const event = { id: '4711', customers: customers(25) };
    await emit(app, 'order.paid', event);
    await emit(app, 'order.paid', event);
    await assertOneEach(app, 'Orders:receipt:4711', 25);
    const mailings = await rig.database.dataSource.getRepository(Mailing).find({ order: { id: 'ASC' } });
    expect(
      mailings.map(({ numProfiles, batchExecId, idempotencyKey }) => [
        numProfiles,
        batchExecId,
        idempotencyKey,
      ]),
    ).toEqual([10, 10, 5].map((size, n) => [size, 'Orders:receipt:4711', `Orders:receipt:4711:${n}`]));
    await waitUntil(
      async () => (await app.query.byExecution('Orders:receipt:4711'))?.byStatus.completed === 3,
      {
        what: 'the mailings to complete',
      },
    );
    expect(await app.query.byExecution('Orders:receipt:4711')).toEqual({
      batchExecId: 'Orders:receipt:4711',
      numMailings: 3,
      byStatus: { completed: 3 },
      numProfiles: 25,
      numSent: 25,
      numErrors: 0,
      numSkipped: 0,
    });
    expect(await app.query.byExecution('Orders:receipt:4712')).toBeNull();
    expect(handled.map(({ numMailings, numRepeats }) => [numMailings, numRepeats])).toEqual([
      [3, 0],
      [3, 3],
    ]);
    const toFirst = rig.inbox.messages.find(({ to }) => to[0] === 'reader0@home.example');
    expect(await toFirst?.parsed()).toMatchObject({
      subject: 'Your receipt',
      html: '<p>4711 for reader0@home.example</p>',
    });
  });

  it('send once where two servers handle an event at the same moment', async () => {
    const apps = [await boot(rig, 'one:1', Host.with(Orders)), await boot(rig, 'two:2', Host.with(Orders))];
    const event = { id: 'both', customers: customers(35) };
    await Promise.all(
      apps.flatMap((app) => [emit(app, 'order.paid', event), emit(app, 'order.paid', event)]),
    );
    await assertOneEach(apps[0], 'Orders:receipt:both', 35);
    expect(await rig.database.dataSource.getRepository(Mailing).countBy({ status: 'failed' })).toBe(0);
  });

  it('report a list that fails half-way, and send the missing part when the event comes again', async () => {
    const app = await boot(rig, 'test:1', Host.with(Orders));
    const failed = reports(app, 'scenario:failed');
    const event = { id: 'half', customers: customers(25) };
    await emit(app, 'order.paid', { ...event, failAt: 14 });
    expect(failed).toMatchObject([
      { scenario: 'Orders', method: 'receipt', batchExecId: 'Orders:receipt:half' },
    ]);
    expect(String(failed[0].error)).toContain('the directory does not answer');
    await emit(app, 'order.paid', event);
    await assertOneEach(app, 'Orders:receipt:half', 25);
    expect(failed).toHaveLength(1);
  });
});

describe('a scenario', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it('reports what its method throws, sends nothing without a list, and handles later events', async () => {
    const app = await boot(rig, 'test:1', Host.with(Orders));
    const failed = reports(app, 'scenario:failed');
    for (const name of ['trouble', 'nobody', 'text']) await emit(app, 'shop.opened', name);
    await emit(app, 'order.paid', { id: '', customers: [] });
    expect(failed.map(({ error }) => (error as Error).constructor)).toEqual([
      Error,
      UnknownRecipientsError,
      ScenarioOptionsError,
    ]);
    expect(await rig.database.dataSource.getRepository(Mailing).count()).toBe(0);
    await emit(app, 'shop.closed', 'ann');
    await emit(app, 'shop.closed', 'ann');
    // Without an id every event is a new one.
    await rig.inbox.waitFor(2);
  });

  it('is handled when its mailings are accepted, even if its list does not close', async () => {
    const app = await boot(rig, 'test:1', Host.with(Orders));
    const [handled, failed] = [reports(app, 'scenario:handled'), reports(app, 'scenario:failed')];
    await emit(app, 'shop.opened', 'unclosed');
    expect(handled).toMatchObject([{ method: 'everybody', numMailings: 1 }]);
    expect(failed).toEqual([]);
    await rig.inbox.waitFor(1);
  });

  it('may have @Cron above or below its own decorator, and sends once for each id', async () => {
    const app = await boot(rig, 'test:1', Host.with(Morning));
    const handled = reports(app, 'scenario:handled');
    await waitUntil(async () => handled.filter(({ numRepeats }) => numRepeats > 0).length >= 2, {
      what: 'the second of the hour',
    });
    await rig.inbox.waitFor(2);
    const once = { 'above@home.example': 1, 'below@home.example': 1 };
    expect(Object.fromEntries(rig.inbox.countsByRecipient())).toEqual(once);
    const ids = [...new Set(handled.map(({ batchExecId }) => batchExecId))];
    expect(ids).toHaveLength(2);
    expect(ids).toContain('morning:below:2026-11-25');
    // Too long, and not ASCII.
    expect(ids.find((id) => id.startsWith('morning:above:'))).toMatch(/^morning:above:[0-9a-f]{64}$/);
  });

  it('is refused when it was not started by Nest, and with options out of bounds', async () => {
    await expect(new Orders().everybody('ann')).rejects.toThrow(ScenarioNotStartedError);
    expect(() => MailingScenariosModule.forRoot({ maxBatchSize: 0 })).toThrow(ScenarioOptionsError);
    const batchSize = { batchSize: 5 } as object;
    expect(() => MailingScenariosModule.forRoot(batchSize)).toThrow(
      'expected batchSize to be absent, because the options here are maxBatchSize,',
    );
  });
});
