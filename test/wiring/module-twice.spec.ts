import { hostname } from 'node:os';
import { type DynamicModule, Inject, Injectable, Logger, Module, type ModuleMetadata } from '@nestjs/common';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { LazyModuleLoader } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  calledOnce,
  MailingHealth,
  MailingModule,
  MailingModuleTwiceError,
  MailingEvents,
  MailServer,
  noteCall,
  TemplateEmailSender,
} from 'nestjs-mailing';
import { MailingBullMqModule } from 'nestjs-mailing/bullmq';
import { MailingLdapModule } from 'nestjs-mailing/ldap';
import { MailingScenariosModule } from 'nestjs-mailing/scenarios';
import { MailingUnsubscribeModule } from 'nestjs-mailing/unsubscribe';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toldOf } from '../support/told-of.js';
import { waitUntil } from '../support/wait-until.js';
import { type Host, startHost } from './host.js';

type Part = NonNullable<ModuleMetadata['imports']>[number];

/** Two feature modules, each with its own import of the plugin. */
function features(first: Part, second: Part): [Part, Part] {
  @Module({ imports: [first] })
  class NewsletterModule {}
  @Module({ imports: [second] })
  class OrdersModule {}
  return [NewsletterModule, OrdersModule];
}

describe('forRoot that is called twice', () => {
  let host: Host;
  let running: TestingModule[];

  beforeEach(async () => {
    Logger.overrideLogger(['fatal']);
    host = await startHost();
    running = [];
  });
  afterEach(async () => {
    await Promise.all(running.map((app) => app.close()));
    await host.dispose();
  });

  const boot = async (imports: Part[], options = {}): Promise<TestingModule> => {
    const app = await Test.createTestingModule({ imports }, options).compile();
    running.push(app);
    await app.init();
    return app;
  };
  const refused = async (...imports: Part[]): Promise<MailingModuleTwiceError> => {
    const error: unknown = await boot([host.dataSource(), host.mailer(), ...imports]).catch(
      (thrown: unknown) => thrown,
    );
    if (error instanceof MailingModuleTwiceError) return error;
    throw new Error(`No refusal, but ${String(error)}`);
  };
  const asynchronous = (): DynamicModule =>
    MailingModule.forRootAsync({ useFactory: () => ({ templates: host.templates }) });

  it('in two feature modules stops the start, and the error names both modules, both lines, and where the call belongs', async () => {
    const error = await refused(
      ...features(host.mailing(), MailingModule.forRoot({ templates: host.templates })),
    );
    expect(error).toMatchObject({
      name: 'MailingModuleTwiceError',
      code: 'MAILING_MODULE_TWICE',
      module: 'MailingModule',
      first: { importedBy: 'NewsletterModule', at: expect.stringMatching(/host\.ts:\d+:\d+$/) as string },
      second: {
        importedBy: 'OrdersModule',
        at: expect.stringMatching(/module-twice\.spec\.ts:\d+:\d+$/) as string,
      },
    });
    expect(error.message).toMatch(
      /the data source "default".*second one in OrdersModule \(.*module-twice\.spec\.ts:\d+:\d+\), beside the one in NewsletterModule \(/,
    );
    expect(error.message).toMatch(/Call it once, in the root module\..*global/);
    expect(await host.database.dataSource.getRepository(MailServer).count()).toBe(0);
  });

  it.each([
    ['forRoot and forRootAsync', (): [Part, Part] => [host.mailing(), asynchronous()]],
    ['forRootAsync twice', (): [Part, Part] => [asynchronous(), asynchronous()]],
    [
      'other server ids',
      (): [Part, Part] => [host.mailing({ uniqServerId: 'a:1' }), host.mailing({ uniqServerId: 'b:1' })],
    ],
    [
      'isGlobal in both',
      (): [Part, Part] => [host.mailing({ isGlobal: true }), host.mailing({ isGlobal: true })],
    ],
    ['isGlobal in one', (): [Part, Part] => [host.mailing(), host.mailing({ isGlobal: true })]],
  ])('is refused with %s too', async (_, calls) => {
    const { first, second } = await refused(...features(...calls()));
    expect(new Set([first.importedBy, second.importedBy])).toEqual(
      new Set(['NewsletterModule', 'OrdersModule']),
    );
  });

  it('is refused in the root module and a feature, and for modules that are dynamic themselves', async () => {
    class FeatureModule {
      static with(mailing: DynamicModule): DynamicModule {
        return { module: FeatureModule, imports: [mailing] };
      }
    }
    const { first, second } = await refused(host.mailing(), FeatureModule.with(host.mailing()));
    expect(new Set([first.importedBy, second.importedBy])).toEqual(
      new Set(['FeatureModule', 'RootTestModule']),
    );
  });

  it('is refused for a module that is loaded later, and the application continues without it', async () => {
    const app = await boot([host.dataSource(), host.mailer(), host.mailing()]);
    const [Late] = features(host.mailing(), class Nothing {});
    const loading = app.get(LazyModuleLoader).load(() => Late as never);
    await expect(loading).rejects.toMatchObject({ code: 'MAILING_MODULE_TWICE' });
    await host.sends(app);
  });

  it('is no error for one call that two modules import: they share one engine', async () => {
    const mailing = host.mailing();
    const app = await boot([host.dataSource(), host.mailer(), ...features(mailing, mailing)]);
    await host.sends(app);
    expect(await host.database.dataSource.getRepository(MailServer).count()).toBe(1);
  });

  it('is no error for one module that others import: they get the same sender', async () => {
    @Module({ imports: [host.mailing()], exports: [MailingModule] })
    class MailModule {}
    @Injectable()
    class Orders {
      constructor(@Inject(TemplateEmailSender) readonly sender: TemplateEmailSender) {}
    }
    @Module({ imports: [MailModule], providers: [Orders] })
    class OrdersModule {}
    const app = await boot([host.dataSource(), host.mailer(), MailModule, OrdersModule]);
    expect(app.get(Orders, { strict: false }).sender).toBe(app.get(TemplateEmailSender, { strict: false }));
  });

  it('with the same options and Nest’s algorithm deep-hash is one module, which works', async () => {
    // On two lines: the recorded line of the call is not compared.
    const same = MailingModule.forRoot({ templates: host.templates });
    const parts = [host.dataSource(), host.mailer(), ...features(host.mailing(), same)];
    const app = await boot(parts, { moduleIdGeneratorAlgorithm: 'deep-hash' });
    await host.sends(app);
    expect(await host.database.dataSource.getRepository(MailServer).count()).toBe(1);
  });

  it('for two data sources makes two engines, each with a database of its own', async () => {
    const other = await startHost();
    try {
      const [first, second] = features(host.mailing(), other.mailing({ dataSource: 'other' }));
      await boot([host.dataSource(), other.dataSource({ name: 'other' }), host.mailer(), first, second]);
      for (const { database } of [host, other]) {
        const servers = database.dataSource.getRepository(MailServer);
        await waitUntil(() => servers.exists(), { what: 'both to register' });
        expect(await servers.find()).toMatchObject([{ uniqServerId: hostname() }]);
      }
    } finally {
      await Promise.all(running.splice(0).map((app) => app.close()));
      await other.dispose();
    }
  });

  it('in two applications of one process with different server ids is allowed', async () => {
    for (const uniqServerId of ['a:1', 'b:1'])
      await host.sends(await boot([host.dataSource(), host.mailer(), host.mailing({ uniqServerId })]));
    expect(await host.database.dataSource.getRepository(MailServer).count()).toBe(2);
  });

  it('in two applications of one process with one server id: the second is on standby, and the message says that the first is in this process', async () => {
    await host.sends(await boot([host.dataSource(), host.mailer(), host.mailing()]));
    const second = await Test.createTestingModule({
      imports: [host.dataSource(), host.mailer(), host.mailing()],
    }).compile();
    running.push(second);
    const told = toldOf({
      events: second.get(MailingEvents, { strict: false }),
    } as never);
    await second.init();
    const health = second.get(MailingHealth, { strict: false });
    const { findings } = await waitUntil(
      async () => {
        const report = await health.check();
        return report.server.state === 'standby' ? report : null;
      },
      { what: 'the second server to be on standby' },
    );
    expect(findings).toMatchObject([
      {
        code: 'server_standby',
        message: expect.stringMatching(/another application in this process/i) as string,
      },
    ]);
    const sending = second
      .get(TemplateEmailSender, { strict: false })
      .sendEmailMessage(host.info, ['ann@home.example'], true, true);
    await expect(sending).rejects.toMatchObject({
      code: 'MAILING_SERVER_STANDBY',
      message: expect.stringMatching(/another application in this process/i) as string,
    });
    expect(told.lines.filter((line) => /standing by/.test(line))).toEqual([
      expect.stringMatching(/another application in this process/i),
    ]);
  });

  it('by another copy of the package is refused as well', async () => {
    // A second copy has classes of its own, and shares only names with the first.
    class MailingEngineModule {}
    class CopiedMailingModule {
      static forRoot(): DynamicModule {
        const call = noteCall(CopiedMailingModule, 'forRoot');
        const engine = calledOnce({ module: MailingEngineModule }, call, {
          module: 'MailingModule',
          scope: 'the data source "default"',
          consequence: 'Two are one too many.',
        });
        call.outer = { module: CopiedMailingModule, imports: [engine] };
        return call.outer;
      }
    }
    const { second } = await refused(...features(host.mailing(), CopiedMailingModule.forRoot()));
    expect(second.importedBy).toBe('OrdersModule');
  });

  it.each([
    [
      'MailingScenariosModule',
      (): Part[] => [EventEmitterModule.forRoot()],
      () => MailingScenariosModule.forRoot(),
    ],
    [
      'MailingUnsubscribeModule',
      (): Part[] => [],
      () => MailingUnsubscribeModule.forRoot({ secret: 'x'.repeat(32) }),
    ],
    [
      'MailingBullMqModule',
      (): Part[] => [],
      () => MailingBullMqModule.forRoot({ connection: 'redis://127.0.0.1:1' }),
    ],
    [
      'MailingLdapModule',
      (): Part[] => [],
      () => MailingLdapModule.forRoot({ url: 'ldap://127.0.0.1:1', base: 'o=shop' }),
    ],
  ])('of %s is refused, while one call that two modules import is not', async (module, more, call) => {
    const error = await refused(host.mailing(), ...more(), ...features(call(), call()));
    expect(error).toMatchObject({
      module,
      first: {
        importedBy: 'NewsletterModule',
        at: expect.stringMatching(/module-twice\.spec\.ts/) as string,
      },
      second: { importedBy: 'OrdersModule' },
    });
    const once = call();
    await host.sends(
      await boot([host.dataSource(), host.mailer(), host.mailing(), ...more(), ...features(once, once)]),
    );
  });
});
