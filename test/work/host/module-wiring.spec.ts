import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MailerModule, MailerService } from '@nestjs-modules/mailer';
import { Injectable, Logger, Module, type ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule, type TypeOrmModuleOptions } from '@nestjs/typeorm';
import {
  MailingModule,
  type MailingModuleOptions,
  type MailingOptionsFactory,
  Mailing,
  mailingEntities,
  mailingMigrations,
  type ProfileRepository,
  type RecipientProfile,
  TemplateEmailRestarter,
  TemplateEmailBatchPersister,
  TemplateEmailPersister,
  TemplateEmailSender,
} from 'nestjs-mailing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataSourceOptionsOf } from '../../../src/database/data-source.options.js';
import { type FreshDatabase, freshDatabase } from '../../support/databases/fresh-database.js';
import { SmtpInbox } from '../../support/network/smtp-inbox.js';

const INFO = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };

/** The template folder of the running test, for the classes below, which Nest instantiates. */
const folder = { dir: '' };

@Injectable()
class MailingConfiguration implements MailingOptionsFactory {
  createMailingOptions(): MailingModuleOptions {
    return { templates: folder };
  }
}

@Module({ providers: [MailingConfiguration], exports: [MailingConfiguration] })
class ConfigurationModule {}

@Injectable()
class Customers {
  readonly byId = new Map<string, RecipientProfile>([['7', { email: 'seven@home.example' }]]);
}

@Injectable()
class CustomerProfiles implements ProfileRepository {
  constructor(private readonly customers: Customers) {}

  async findByIds(): Promise<Map<string, RecipientProfile>> {
    return this.customers.byId;
  }
}

@Module({ providers: [Customers, CustomerProfiles] })
class CustomerModule {}

describe('the module', () => {
  let database: FreshDatabase;
  let inbox: SmtpInbox;
  let testing: TestingModule | undefined;

  beforeEach(async () => {
    Logger.overrideLogger(['fatal']);
    database = await freshDatabase('sqlite');
    inbox = await SmtpInbox.start();
    folder.dir = await mkdtemp(join(tmpdir(), 'mailing-templates-'));
    await writeFile(join(folder.dir, 'letter.hbs'), 'Dear {{name}}');
  });

  afterEach(async () => {
    await testing?.close();
    testing = undefined;
    await rm(folder.dir, { recursive: true, force: true });
    await inbox.close();
    await database.dispose();
  });

  const dataSource = (
    more: Partial<TypeOrmModuleOptions> = {},
  ): NonNullable<ModuleMetadata['imports']>[number] =>
    TypeOrmModule.forRoot({
      ...dataSourceOptionsOf(database.url),
      autoLoadEntities: true,
      retryAttempts: 0,
      ...more,
    } as TypeOrmModuleOptions);
  const mailer = (): NonNullable<ModuleMetadata['imports']>[number] =>
    MailerModule.forRoot({ transport: { url: inbox.url, pool: true } });

  const boot = async (...imports: NonNullable<ModuleMetadata['imports']>): Promise<TestingModule> => {
    testing = await Test.createTestingModule({ imports }).compile();
    await testing.init();
    return testing;
  };
  const sends = async (app: TestingModule): Promise<void> => {
    const { completed } = await app
      .get(TemplateEmailSender, { strict: false })
      .sendEmailMessage(INFO, ['ann@home.example'], true, true);
    expect(await completed).toMatchObject({ status: 'completed', numSent: 1 });
  };

  it('registers the providers that hosts inject', async () => {
    const app = await boot(dataSource(), mailer(), MailingModule.forRoot({ templates: folder }));
    for (const provider of [
      TemplateEmailSender,
      TemplateEmailPersister,
      TemplateEmailBatchPersister,
      TemplateEmailRestarter,
    ]) {
      expect(app.get(provider, { strict: false })).toBeInstanceOf(provider);
    }
    await sends(app);
  });

  it('E1 accepts forRootAsync with useFactory, imports and inject', async () => {
    const mailing = MailingModule.forRootAsync({
      imports: [ConfigurationModule],
      inject: [MailingConfiguration],
      useFactory: async (configuration: MailingConfiguration) => configuration.createMailingOptions(),
    });
    await sends(await boot(dataSource(), mailer(), mailing));
  });

  it('E1 accepts forRootAsync with useClass', async () => {
    await sends(
      await boot(dataSource(), mailer(), MailingModule.forRootAsync({ useClass: MailingConfiguration })),
    );
  });

  it('E1 accepts forRootAsync with useExisting', async () => {
    const mailing = MailingModule.forRootAsync({
      imports: [ConfigurationModule],
      useExisting: MailingConfiguration,
    });
    await sends(await boot(dataSource(), mailer(), mailing));
  });

  it('E1 stops the start when a factory fails, with the name of the module in the message', async () => {
    const mailing = MailingModule.forRootAsync({
      useFactory: () => Promise.reject(new Error('the vault is sealed')),
    });
    await expect(boot(dataSource(), mailer(), mailing)).rejects.toMatchObject({
      code: 'MAILING_OPTIONS_FACTORY',
      message: expect.stringMatching(/MailingModule.*the vault is sealed/) as string,
    });
  });

  it('E1 is global only where that is requested', async () => {
    @Module({
      providers: [{ provide: 'USER', useFactory: (s: unknown) => s, inject: [TemplateEmailSender] }],
    })
    class Feature {}
    const local = MailingModule.forRoot({ templates: folder });
    await expect(boot(dataSource(), mailer(), local, Feature)).rejects.toThrow(/TemplateEmailSender/);
    const global = MailingModule.forRoot({ templates: folder, isGlobal: true });
    const app = await boot(dataSource(), mailer(), global, Feature);
    expect(app.get('USER', { strict: false })).toBeInstanceOf(TemplateEmailSender);
  });

  it('E2 names entities that are not registered, and how to register them', async () => {
    const start = boot(
      dataSource({ autoLoadEntities: false }),
      mailer(),
      MailingModule.forRoot({ templates: folder }),
    );
    await expect(start).rejects.toMatchObject({
      code: 'MAILING_ENTITIES_MISSING',
      message: expect.stringContaining('Add mailingEntities') as string,
    });
    const byHand = dataSource({ autoLoadEntities: false, entities: mailingEntities });
    await sends(await boot(byHand, mailer(), MailingModule.forRoot({ templates: folder })));
  });

  it('E3 works on a named data source, and reports a wrong name', async () => {
    const named = (): ReturnType<typeof dataSource> =>
      dataSource({ name: 'mail' } as Partial<TypeOrmModuleOptions>);
    const mailing = (name: string): ReturnType<typeof MailingModule.forRoot> =>
      MailingModule.forRoot({ templates: folder, dataSource: name });
    await expect(boot(named(), mailer(), mailing('nope'))).rejects.toMatchObject({
      code: 'MAILING_DATA_SOURCE_MISSING',
      dataSource: 'nope',
    });
    await sends(await boot(named(), mailer(), mailing('mail')));
  });

  it('reports how to fix a missing mailer, or a missing transport', async () => {
    await expect(boot(dataSource(), MailingModule.forRoot({ templates: folder }))).rejects.toMatchObject({
      code: 'MAILING_MAILER_MISSING',
    });
    const mailing = MailingModule.forRoot({ templates: folder, transporterName: 'bulk' });
    await expect(boot(dataSource(), mailer(), mailing)).rejects.toMatchObject({
      code: 'MAILING_TRANSPORTER_MISSING',
      transporterName: 'bulk',
    });
  });

  it('turns off the requeueing of a transport pool, which would send second copies', async () => {
    const app = await boot(dataSource(), mailer(), MailingModule.forRoot({ templates: folder }));
    const { transporter } = app.get(MailerService, { strict: false }).getTransporter();
    expect((transporter as unknown as { options: { maxRequeues: number } }).options.maxRequeues).toBe(0);
  });

  it('D17 reports how to run the migrations where they have not run', async () => {
    const empty = await freshDatabase('sqlite', { migrate: false });
    try {
      const source = dataSource(dataSourceOptionsOf(empty.url) as Partial<TypeOrmModuleOptions>);
      await expect(
        boot(source, mailer(), MailingModule.forRoot({ templates: folder })),
      ).rejects.toMatchObject({
        code: 'MAILING_MIGRATIONS_MISSING',
        table: 'dps_mailing',
        message: expect.stringContaining('mailingMigrations') as string,
      });
      await testing?.close();
      const run = dataSource({
        ...(dataSourceOptionsOf(empty.url) as Partial<TypeOrmModuleOptions>),
        migrations: mailingMigrations,
        migrationsRun: true,
      });
      await sends(await boot(run, mailer(), MailingModule.forRoot({ templates: folder })));
      await testing?.close();
      testing = undefined;
    } finally {
      await empty.dispose();
    }
  });

  it.each([
    ['an unknown option', { concurency: 5 }, 'concurency'],
    ['concurrency 0', { run: { concurrency: 0 } }, 'run.concurrency'],
    ['maxInDoubt below the messages in flight', { run: { concurrency: 9, maxInDoubt: 8 } }, 'run.maxInDoubt'],
    [
      'a lease of two heartbeats',
      { server: { heartbeatIntervalMs: 1_000, leaseMs: 2_000 } },
      'server.leaseMs',
    ],
    ['no such folder', { templates: { dir: '/no/such/folder' } }, 'templates.dir'],
    ['a relative folder', { templates: { dir: 'templates' } }, 'templates.dir'],
    ['an empty server id', { uniqServerId: '' }, 'uniqServerId'],
    ['a migrationList that is no list', { migrationList: 'old:1' }, 'migrationList'],
  ])('refuses %s, naming option, expectation and value', async (_, wrong, option) => {
    const mailing = MailingModule.forRoot({ templates: folder, ...(wrong as Partial<MailingModuleOptions>) });
    await expect(boot(dataSource(), mailer(), mailing)).rejects.toMatchObject({
      code: 'MAILING_OPTIONS',
      option,
    });
  });

  it('finds the host’s profiles in any module that provides them', async () => {
    const mailing = MailingModule.forRoot({ templates: folder, profileRepository: CustomerProfiles });
    const app = await boot(dataSource(), mailer(), mailing, CustomerModule);
    const sender = app.get(TemplateEmailSender, { strict: false });
    const { completed } = await sender.sendEmailMessage(INFO, [{ userId: '7' }, { userId: '8' }], true, true);
    expect(await completed).toMatchObject({ numSent: 1, numSkipped: 1 });
  });

  it('refuses profile ids where the host provided no profiles', async () => {
    const app = await boot(dataSource(), mailer(), MailingModule.forRoot({ templates: folder }));
    const sender = app.get(TemplateEmailSender, { strict: false });
    await expect(sender.sendEmailMessage(INFO, [{ userId: '7' }], true, true)).rejects.toMatchObject({
      code: 'MAILING_PROFILE_REPOSITORY_MISSING',
    });
    expect(await database.dataSource.getRepository(Mailing).count()).toBe(0);
    const stream = (async function* () {
      yield { userId: '7' };
    })();
    await expect(sender.sendEmailMessage(INFO, stream, true, true)).rejects.toMatchObject({
      code: 'MAILING_PROFILE_REPOSITORY_MISSING',
    });
    expect(await database.dataSource.getRepository(Mailing).find()).toMatchObject([{ status: 'failed' }]);
  });

  it('A13 E10 may be closed twice, and refuses calls after that', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;
    const before = timers();
    const app = await boot(dataSource(), mailer(), MailingModule.forRoot({ templates: folder }));
    const sender = app.get(TemplateEmailSender, { strict: false });
    await sends(app);
    await Promise.all([app.close(), app.close()]);
    await expect(sender.sendEmailMessage(INFO, ['ann@home.example'], true, true)).rejects.toMatchObject({
      code: 'MAILING_SERVER_SHUTTING_DOWN',
    });
    expect(timers()).toBeLessThanOrEqual(before);
  });
});
