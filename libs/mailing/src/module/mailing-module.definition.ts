import {
  ConfigurableModuleBuilder,
  type DynamicModule,
  type FactoryProvider,
  type Provider,
} from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { mailingEntities } from '../model/tables/mailing-entities.js';
import type { MailingModuleOptions } from '../model/options/mailing-options.js';
import {
  MailingDataSourceMissingError,
  MailingEntitiesMissingError,
  MailingOptionsFactoryError,
} from '../model/options/setup.errors.js';

/** Options of the module itself; with `forRootAsync` they are given beside the factory. */
export interface MailingModuleExtras {
  /** Makes the providers available in every module without importing this one. Default: false. */
  isGlobal?: boolean;
  /** Name of the TypeORM data source that holds the plugin's tables. Default: `default`. */
  dataSource?: string;
}

/** What a class given as `useClass` or `useExisting` has to offer. */
export interface MailingOptionsFactory {
  createMailingOptions(): MailingModuleOptions | Promise<MailingModuleOptions>;
}

export const DEFAULT_EXTRAS = { isGlobal: false, dataSource: 'default' };

/** The part of Nest's module definition that `MailingModule` and its options types are made from. */
export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<MailingModuleOptions>({ moduleName: 'Mailing' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createMailingOptions')
    .setExtras<MailingModuleExtras>(DEFAULT_EXTRAS)
    .build();

/**
 * `TypeOrmModule.forFeature` for our entities, with our own errors for what can be missing. Nest's own error would name a symbol and an
 * index, TypeORM's an entity that the host does not know.
 */
export function entitiesOf(dataSourceName: string): DynamicModule {
  const feature = TypeOrmModule.forFeature(mailingEntities, dataSourceName);
  const providers = (feature.providers as FactoryProvider[]).map((provider) => ({
    ...provider,
    inject: [{ token: provider.inject?.[0] as never, optional: true }],
    useFactory: (dataSource: DataSource | undefined): unknown => {
      if (!dataSource) throw new MailingDataSourceMissingError(dataSourceName);
      const missing = mailingEntities
        .filter((entity) => !dataSource.hasMetadata(entity))
        .map((entity) => entity.name);
      if (missing.length > 0) throw new MailingEntitiesMissingError(dataSourceName, missing);
      return provider.useFactory(dataSource) as unknown;
    },
  }));
  return { ...feature, providers, exports: providers };
}

/** Wraps whatever the host's options factory throws in a `MailingOptionsFactoryError`. */
export function namingOptionErrors(providers: Provider[] = []): Provider[] {
  return providers.map((provider) => {
    if (!isOptionsFactory(provider)) return provider;
    return {
      ...provider,
      useFactory: async (...dependencies: unknown[]): Promise<unknown> => {
        try {
          return (await provider.useFactory(...dependencies)) as unknown;
        } catch (error) {
          throw new MailingOptionsFactoryError(error);
        }
      },
    };
  });
}

function isOptionsFactory(provider: Provider): provider is FactoryProvider {
  return (
    typeof provider === 'object' && provider.provide === MODULE_OPTIONS_TOKEN && 'useFactory' in provider
  );
}
