import { setImmediate as turn } from 'node:timers/promises';
import { type DynamicModule, Logger, Module } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule } from '@nestjs/event-emitter';
import {
  type Dispatcher,
  HostSilentError,
  type MailingEventMap,
  type ProfileRepository,
  UnsubscribeTokens,
} from 'nestjs-mailing';
import {
  MailingScenariosModule,
  Scenario,
  type ScenarioAnswer,
  type ScenarioEventMap,
  ScenarioEvents,
  ScenarioOptionsError,
  SendEmail,
} from 'nestjs-mailing/scenarios';
import { Unsubscriber } from 'nestjs-mailing/unsubscribe';
import { describe, expect, it, vi } from 'vitest';
import { UnsubscribeStores } from '../../../libs/unsubscribe/src/unsubscribe.stores.js';
import { sendBatched } from '../../support/hosts/batched-mailing.js';
import { INFO, MailingRig, people } from '../../support/hosts/mailing-rig.js';
import { IdleDispatcher } from '../../support/hosts/witnessed-parts.js';
import { never } from '../../support/silence.js';
import { UnhandledRejections } from '../../support/unhandled-rejections.js';
import { waitUntil } from '../../support/wait-until.js';

const FROM = { template: 'letter.hbs', subject: 'Your receipt', from: 'shop@shop.example' };

/** A line break, and an escape sequence that colours a terminal. */
const TWO_LINES = 'no such order\r\n\u001b[32mall is well';
const ONE_LINE = 'no such order [32mall is well';

@Scenario()
class Orders {
  @SendEmail({ on: 'order.paid', ...FROM })
  paid(): Promise<ScenarioAnswer> {
    return never();
  }

  @SendEmail({
    on: 'order.sent',
    ...FROM,
    eventId: (async () => Promise.reject(new Error('no id'))) as never,
  })
  sent(): ScenarioAnswer {
    return people(1);
  }

  @SendEmail({ on: 'order.kept', ...FROM })
  async *kept(): AsyncGenerator<string> {
    yield await never<string>();
  }

  @SendEmail({ on: 'order.lost', ...FROM })
  lost(): ScenarioAnswer {
    throw new Error(TWO_LINES);
  }
}

@Module({ providers: [Orders] })
class Host {}

describe('scenario methods and their listeners', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it('that never answer, or are async where they may not be, are reported and crash no process', async () => {
    using unhandled = new UnhandledRejections();
    const warnings: string[] = [];
    const note = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', note);
    const host: DynamicModule = { module: Host };
    const scenarios = MailingScenariosModule.forRoot({ hostCallTimeoutMs: 100 });
    const app = await rig.boot({}, { imports: [EventEmitterModule.forRoot(), scenarios, host] });
    const failed: ScenarioEventMap['scenario:failed'][] = [];
    app.nest.get(ScenarioEvents).on('scenario:failed', async (facts) => {
      failed.push(facts);
      await turn();
      throw new Error('the metric is out of order');
    });
    const events = app.nest.get(EventEmitter2);
    await events.emitAsync('order.paid', {});
    await events.emitAsync('order.sent', {});
    await turn();
    await waitUntil(() => warnings.length > 0, { what: 'the warning' });
    process.off('warning', note);
    expect(failed.map(({ method, error }) => [method, (error as Error).constructor])).toEqual([
      ['paid', HostSilentError],
      ['sent', ScenarioOptionsError],
    ]);
    expect(failed[0].error).toMatchObject({ call: 'Orders.paid', option: 'hostCallTimeoutMs' });
    expect(String((failed[1].error as Error).message)).toContain('got a promise');
    expect(warnings).toEqual(['MailingListenerWarning']);
    expect(unhandled.reasons).toEqual([]);
    expect(() => MailingScenariosModule.forRoot({ hostCallTimeoutMs: 9 })).toThrow(ScenarioOptionsError);
  });

  it('whose list yields nothing fail after sourceTimeoutMs', async () => {
    const host: DynamicModule = { module: Host };
    const scenarios = MailingScenariosModule.forRoot({ sourceTimeoutMs: 100 });
    const app = await rig.boot({}, { imports: [EventEmitterModule.forRoot(), scenarios, host] });
    const failed: ScenarioEventMap['scenario:failed'][] = [];
    app.nest.get(ScenarioEvents).on('scenario:failed', (facts) => void failed.push(facts));
    await app.nest.get(EventEmitter2).emitAsync('order.kept', {});
    expect(failed).toMatchObject([
      { method: 'kept', error: { call: 'the next entry of recipients', option: 'sourceTimeoutMs' } },
    ]);
    for (const sourceTimeoutMs of [9, 86_400_001, 1.5]) {
      expect(() => MailingScenariosModule.forRoot({ sourceTimeoutMs })).toThrow(ScenarioOptionsError);
    }
  });

  it('that fail with a line break and control characters are one line of the log', async () => {
    const warnings: string[] = [];
    const note = ({ message }: Error): void => void warnings.push(message);
    process.on('warning', note);
    const host: DynamicModule = { module: Host };
    const imports = [EventEmitterModule.forRoot(), MailingScenariosModule.forRoot(), host];
    const app = await rig.boot({}, { imports });
    const errors: string[] = [];
    const ignore = (): void => undefined;
    Logger.overrideLogger({ log: ignore, warn: ignore, error: (line: string) => void errors.push(line) });
    app.nest.get(ScenarioEvents).on('scenario:failed', () => {
      throw new Error(TWO_LINES);
    });
    await app.nest.get(EventEmitter2).emitAsync('order.lost', {});
    await waitUntil(() => warnings.length > 0, { what: 'the warning' });
    process.off('warning', note);
    Logger.overrideLogger(['fatal']);
    expect(errors).toEqual([expect.stringMatching(/^Orders\.lost failed \([^)]+\): /)]);
    expect(errors[0].split('): ')[1]).toBe(ONE_LINE);
    expect(warnings).toEqual([`A listener of scenario:failed fails: ${ONE_LINE}. Correct it.`]);
  });
});

describe('a dispatcher of the host', () => {
  const rig = MailingRig.forEachTest('sqlite');

  it.each<[string, () => void]>([
    ['throws', () => raise()],
    ['rejects', () => Promise.reject(new Error('no line')) as never],
  ])('whose announce %s is reported, and does not stop the mailing', async (_, announce) => {
    using unhandled = new UnhandledRejections();
    class BrokenDispatcher implements Dispatcher {
      start(): void {}
      announce = announce;
      stop = (): Promise<void> => never();
    }
    const server = { heartbeatIntervalMs: 100, leaseMs: 3_000, shutdownTimeoutMs: 200 };
    const app = await rig.boot({ batch: { dispatcher: BrokenDispatcher }, server });
    const serverErrors: MailingEventMap['server:error'][] = [];
    app.events.on('server:error', (facts) => serverErrors.push(facts));
    const info = { ...INFO, batched: true };
    await app.sender.sendEmailMessage(info, people(2), { persist: true });
    await waitUntil(() => serverErrors.length > 0, { what: 'the report' });
    expect(serverErrors[0]).toMatchObject({ step: 'announcing batches', error: new Error('no line') });
    await app.close();
    expect(unhandled.reasons).toEqual([]);
  });

  it('whose start takes too long is reported, and receives batches once it runs', async () => {
    const late: { begin?: () => void } = {};
    let numTold = 0;
    class SlowDispatcher implements Dispatcher {
      start = (): Promise<void> => new Promise((resolve) => (late.begin = resolve));
      announce = (): void => void numTold++;
      stop = (): Promise<void> => Promise.resolve();
    }
    const app = await rig.boot({ batch: { dispatcher: SlowDispatcher }, run: { hostCallTimeoutMs: 1_000 } });
    const serverErrors: MailingEventMap['server:error'][] = [];
    app.events.on('server:error', (facts) => serverErrors.push(facts));
    await waitUntil(() => serverErrors.length > 0, { what: 'the report' });
    expect(serverErrors[0]).toMatchObject({
      step: 'start of the dispatcher',
      error: { call: 'Dispatcher.start' },
    });
    late.begin?.();
    await turn();
    await app.sender.sendEmailMessage({ ...INFO, batched: true }, people(2), { persist: true });
    expect(numTold).toBeGreaterThan(0);
  });

  it.each([0.5, 1.5, 0, 100_001, Number.NaN, '5' as never])(
    'that runs a batch at the rate %s is reported, and the batch is freed',
    async (ratePerSecond) => {
      const batch = { dispatcher: IdleDispatcher };
      const app = await rig.boot({ batch, enabledAsTemplateMailServer: true });
      const failed: MailingEventMap['run:failed'][] = [];
      app.events.on('run:failed', (facts) => failed.push(facts));
      const mailingId = await sendBatched(app, 2);
      const { work } = await waitUntil(() => IdleDispatcher.context, {
        what: 'the dispatcher to be started',
      });
      const claimed = await work.claim({ mailingId, startIdx: 0 });
      await claimed?.run(ratePerSecond);
      expect(failed).toMatchObject([
        { mailingId, error: { code: 'MAILING_ARGUMENT_INVALID', argument: 'run: ratePerSecond' } },
      ]);
      await waitUntil(async () => (await work.free(1)).length === 1, { what: 'the batch to be freed' });
    },
  );
});

describe('a click on an unsubscribe link', () => {
  it('is answered with an error after 30 s where the host’s repository never answers', async () => {
    vi.useFakeTimers();
    const profiles = { findByIds: () => never(), setReceiveEmail: () => never() } as ProfileRepository;
    const tokens = new UnsubscribeTokens('a secret that only tests know, and nobody else');
    const stores = new UnsubscribeStores();
    const unsubscriber = new Unsubscriber(stores);
    stores.use({ tokens, profiles: () => profiles, suppressions: () => null, events: null });
    const clicked = unsubscriber.unsubscribe(tokens.sign({ mailingId: null, idx: 0, userId: 'ann' }));
    const failure = clicked.catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(30_000);
    vi.useRealTimers();
    expect(await failure).toMatchObject({
      code: 'MAILING_HOST_SILENT',
      call: 'ProfileRepository.setReceiveEmail',
      option: null,
    });
  });
});

function raise(): never {
  throw new Error('no line');
}
