import { Inject, Injectable, Logger, Module, type ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { getDataSourceToken, getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm';
import {
  EmailAddress,
  Mailing,
  MailingModule,
  type MailingModuleOptions,
  type MailingOptionsFactory,
  mailingEntities,
  MailingQuery,
  MailServer,
  type ProfileRepository,
  type RecipientProfile,
  TemplateEmailSender,
} from 'nestjs-mailing';
import { DataSource, type Repository } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataSourceOptionsOf } from '../../src/database/data-source.options.js';
import { readProgress } from '../support/databases/stored-progress.js';
import { type Host, startHost } from './host.js';

type Part = NonNullable<ModuleMetadata['imports']>[number];

@Injectable()
class AddressBook {
  readonly domain = 'home.example';
}

@Module({ providers: [AddressBook], exports: [AddressBook] })
class AddressBookModule {}

@Injectable()
class BookProfiles implements ProfileRepository {
  static made = 0;

  constructor(@Inject(AddressBook) private readonly book: AddressBook) {
    BookProfiles.made++;
  }

  async findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    return new Map(ids.map((id) => [id, { email: `${id}@${this.book.domain}` }]));
  }
}

@Module({ imports: [AddressBookModule], providers: [BookProfiles] })
class ProfilesModule {}

@Injectable()
class DatabaseProfiles implements ProfileRepository {
  constructor(@Inject(getDataSourceToken()) private readonly source: DataSource) {}

  async findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    const isThere = this.source.isInitialized;
    return new Map(ids.map((id) => [id, { email: isThere ? `${id}@home.example` : null }]));
  }
}

@Injectable()
class PlainProfiles implements ProfileRepository {
  async findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    return new Map(ids.map((id) => [id, { email: `${id}@home.example` }]));
  }
}

describe('the wiring of the plugin in a host', () => {
  let host: Host;
  let testing: TestingModule | undefined;

  beforeEach(async () => {
    Logger.overrideLogger(['fatal']);
    host = await startHost();
  });
  afterEach(async () => {
    await testing?.close();
    testing = undefined;
    await host.dispose();
  });

  const boot = async (...imports: Part[]): Promise<TestingModule> => {
    testing = await Test.createTestingModule({ imports }).compile();
    await testing.init();
    return testing;
  };
  /** Sends to the profile `seven`. @returns the addresses that received it. */
  const mailsProfile = async (app: TestingModule): Promise<readonly string[]> => {
    const sender = app.get(TemplateEmailSender, { strict: false });
    const { completed } = await sender.sendEmailMessage(host.info, [{ userId: 'seven' }], true, true);
    expect(await completed).toMatchObject({ status: 'completed', numSent: 1 });
    return host.inbox.messages.flatMap(({ to }) => to);
  };

  it('profiles: the host’s own provider is used, with its dependencies in another module, and made once', async () => {
    BookProfiles.made = 0;
    const mailing = host.mailing({ profileRepository: BookProfiles });
    const app = await boot(mailing, host.dataSource(), host.mailer(), ProfilesModule);
    expect(await mailsProfile(app)).toEqual(['seven@home.example']);
    expect(BookProfiles.made).toBe(1);
  });

  it('profiles: a class that no module provides is instantiated by Nest', async () => {
    const app = await boot(
      host.dataSource(),
      host.mailer(),
      host.mailing({ profileRepository: PlainProfiles }),
    );
    expect(await mailsProfile(app)).toEqual(['seven@home.example']);
  });

  it('profiles: such a class may inject global providers, the data source for one', async () => {
    const mailing = host.mailing({ profileRepository: DatabaseProfiles });
    const app = await boot(host.dataSource(), host.mailer(), mailing);
    expect(await mailsProfile(app)).toEqual(['seven@home.example']);
  });

  it('profiles: such a class with a dependency that no module provides stops the start, and the error names it', async () => {
    const mailing = host.mailing({ profileRepository: BookProfiles });
    await expect(boot(host.dataSource(), host.mailer(), mailing)).rejects.toThrow(
      /BookProfiles[\s\S]*AddressBook/,
    );
  });

  it('the order of the imports does not matter, globally or not', async () => {
    for (const isGlobal of [false, true]) {
      const app = await boot(host.mailing({ isGlobal }), host.mailer(), host.dataSource());
      await host.sends(app);
      await app.close();
    }
    expect(host.inbox.messages).toHaveLength(2);
    testing = undefined;
  });

  it('null counts as absent for the data source and for isGlobal', async () => {
    const absent = { dataSource: null, isGlobal: null } as object;
    await host.sends(await boot(host.mailing(absent), host.mailer(), host.dataSource()));
    expect(host.inbox.messages).toHaveLength(1);
  });

  it('A12 a global module imported before the mailer is still drained before the transports close', async () => {
    const app = await boot(host.mailing({ isGlobal: true }), host.dataSource(), host.mailer());
    const { completed } = await app.get(TemplateEmailSender, { strict: false }).sendEmailMessage(
      host.info,
      Array.from({ length: 300 }, (_, n) => `reader${n}@home.example`),
      true,
      true,
    );
    await host.inbox.waitFor(20);
    await app.close();
    testing = undefined;
    const { status, mailingId, numErrors, numSent } = await completed;
    expect({ status, numErrors, numSent }).toEqual({
      status: 'pending',
      numErrors: 0,
      numSent: host.inbox.messages.length,
    });
    const { byStatus } = await readProgress(host.database.dataSource, mailingId as string);
    expect(Object.keys(byStatus).sort()).toEqual(['pending', 'sent']);
  });

  it('E1 a class with dependencies of its own provides the options', async () => {
    @Injectable()
    class Configuration implements MailingOptionsFactory {
      constructor(@Inject(AddressBook) private readonly book: AddressBook) {}

      createMailingOptions(): MailingModuleOptions {
        return { templates: host.templates, uniqServerId: `${this.book.domain}:1` };
      }
    }
    const mailing = MailingModule.forRootAsync({ imports: [AddressBookModule], useClass: Configuration });
    await host.sends(await boot(host.dataSource(), host.mailer(), mailing));
    const servers = await host.database.dataSource.getRepository(MailServer).find();
    expect(servers).toMatchObject([{ uniqServerId: 'home.example:1' }]);
  });

  it.each([
    ['throws', () => Promise.resolve().then(() => JSON.parse('{') as MailingModuleOptions)],
    ['throws no error', () => Promise.reject('sealed') as Promise<MailingModuleOptions>],
  ])('E1 a factory that %s is named as the cause', async (_, useFactory) => {
    const start = boot(host.dataSource(), host.mailer(), MailingModule.forRootAsync({ useFactory }));
    await expect(start).rejects.toMatchObject({ code: 'MAILING_OPTIONS_FACTORY' });
  });

  it.each([undefined, null, {}])(
    'E1 a factory that returns %j is refused with an explanation',
    async (nothing) => {
      const useFactory = (): MailingModuleOptions => nothing as unknown as MailingModuleOptions;
      const start = boot(host.dataSource(), host.mailer(), MailingModule.forRootAsync({ useFactory }));
      await expect(start).rejects.toMatchObject({ code: 'MAILING_OPTIONS' });
    },
  );

  it('E3 a data source named inside the factory is refused, not ignored', async () => {
    const useFactory = (): MailingModuleOptions =>
      ({ templates: host.templates, dataSource: 'mail' }) as never;
    const start = boot(host.dataSource(), host.mailer(), MailingModule.forRootAsync({ useFactory }));
    await expect(start).rejects.toMatchObject({
      code: 'MAILING_OPTIONS',
      option: 'dataSource',
      message: expect.stringContaining('forRootAsync itself') as string,
    });
  });

  it('E3 of two data sources the plugin uses its own, also with forRootAsync', async () => {
    const other = host.dataSource({
      ...dataSourceOptionsOf('sqlite::memory:'),
      entities: [],
      autoLoadEntities: false,
    });
    const mailing = MailingModule.forRootAsync({
      dataSource: 'mail',
      isGlobal: true,
      useFactory: () => ({ templates: host.templates }),
    });
    const app = await boot(other, host.dataSource({ name: 'mail' }), host.mailer(), mailing);
    await host.sends(app);
    expect(app.get<DataSource>(getDataSourceToken(), { strict: false }).hasMetadata(Mailing)).toBe(false);
    expect(await host.database.dataSource.getRepository(Mailing).count()).toBe(1);
  });

  it('E3 a missing data source is reported in one sentence', async () => {
    await expect(boot(host.mailer(), host.mailing())).rejects.toMatchObject({
      code: 'MAILING_DATA_SOURCE_MISSING',
      dataSource: 'default',
    });
  });

  it('E2 the error names exactly the entities that are missing', async () => {
    const some = mailingEntities.filter((entity) => entity !== EmailAddress && entity !== MailServer);
    const start = boot(
      host.dataSource({ autoLoadEntities: false, entities: some }),
      host.mailer(),
      host.mailing(),
    );
    await expect(start).rejects.toMatchObject({
      code: 'MAILING_ENTITIES_MISSING',
      entities: ['EmailAddress', 'MailServer'],
    });
  });

  it('E2 the host’s own use of the plugin’s entities is not affected', async () => {
    @Module({ imports: [TypeOrmModule.forFeature([Mailing])] })
    class Reports {}
    const app = await boot(host.dataSource(), host.mailer(), host.mailing(), Reports);
    await host.sends(app);
    const repository: Repository<Mailing> = app.get(getRepositoryToken(Mailing), { strict: false });
    const [{ id, status }] = await repository.find();
    expect(status).toBe('completed');
    expect(await app.get(MailingQuery, { strict: false }).get(id)).toMatchObject({ status: 'completed' });
  });
});
