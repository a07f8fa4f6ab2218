import {
  MAILER_OPTIONS,
  MailerEventService,
  type MailerOptions,
  MailerService,
} from '@nestjs-modules/mailer';
import { ModulesContainer } from '@nestjs/core';
import { getDataSourceToken, getRepositoryToken, type TypeOrmModuleOptions } from '@nestjs/typeorm';
import { type DataSource, type EntityTarget, getMetadataArgsStorage, type ObjectLiteral } from 'typeorm';
import { EMAIL_MESSAGE_SENDER, MailerMessageSender, MailingEvents } from '../../mailing/src/index.js';
import type { Surroundings } from './surroundings.js';

/** The part of Nest's `TestingModuleBuilder` that is used; it is a peer of the host, and none of this package. */
export interface OverridableModule {
  overrideProvider(token: unknown): {
    useFactory(terms: { factory: (...parts: never[]) => unknown; inject?: unknown[] }): unknown;
  };
}

/** What to override. */
export interface OverrideOptions {
  /** Name of the TypeORM data source that holds the plugin's tables. Default: `default`. */
  dataSource?: string;
}

/** Token of `@nestjs/typeorm`, which does not export it. */
const TYPE_ORM_OPTIONS = 'TypeOrmModuleOptions';

type Entities = TypeOrmModuleOptions['entities'];

/** Replaces what connects to a database or to a mail server, and leaves everything else to the options of the application. */
export function overrideProviders<B extends OverridableModule>(
  surroundings: Surroundings,
  builder: B,
  { dataSource = 'default' }: OverrideOptions,
): B {
  builder.overrideProvider(getDataSourceToken(dataSource)).useFactory({
    factory: (options: TypeOrmModuleOptions, modules: ModulesContainer): Promise<DataSource> =>
      surroundings.connect({
        name: dataSource,
        entities: entitiesOf(options, autoLoaded(modules, dataSource)),
      }),
    inject: [TYPE_ORM_OPTIONS, ModulesContainer],
  });
  builder.overrideProvider(MailerService).useFactory({
    factory: (options: MailerOptions, events?: MailerEventService): MailerService =>
      new MailerService(mailerOptions(options, surroundings), undefined as never, events),
    inject: [MAILER_OPTIONS, { token: MailerEventService, optional: true }],
  });
  // A sender that speaks SMTP itself, or is the host's, would look for a mail server.
  builder.overrideProvider(EMAIL_MESSAGE_SENDER).useFactory({
    factory: (mailer: MailerService, events: MailingEvents) => new MailerMessageSender(mailer, null, events),
    inject: [MailerService, MailingEvents],
  });
  return builder;
}

function entitiesOf({ entities, autoLoadEntities }: TypeOrmModuleOptions, loaded: unknown[]): Entities {
  const given = Array.isArray(entities) ? entities : Object.values(entities ?? {});
  return [...new Set([...given, ...(autoLoadEntities ? loaded : [])])] as Entities;
}

/** The entities that `TypeOrmModule.forFeature` was called with, in any module of this application: each has a repository there. */
function autoLoaded(modules: ModulesContainer, dataSource: string): unknown[] {
  const provided = new Set([...modules.values()].flatMap((one) => [...one.providers.keys()] as unknown[]));
  return getMetadataArgsStorage()
    .tables.map(({ target }) => target)
    .filter((target) =>
      provided.has(getRepositoryToken(target as EntityTarget<ObjectLiteral> as never, dataSource)),
    );
}

function mailerOptions(options: MailerOptions, { mailbox }: Surroundings): MailerOptions {
  const transport = mailbox.transport();
  const { transports } = options;
  const inMemory = { ...options, transport, preview: false, verifyTransporters: false } as MailerOptions;
  if (!transports) return inMemory;
  return {
    ...inMemory,
    transports: Object.fromEntries(Object.keys(transports).map((name) => [name, transport])),
  };
}
