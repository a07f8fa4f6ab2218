import type { Provider, Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { assertAdapter, MailerAdapterRenderer } from '../delivery/adapters/mailer-adapter.renderer.js';
import { ActiveRenderer } from '../delivery/templates/active.renderer.js';
import { HostMessageSender } from '../delivery/transport/host-message.sender.js';
import { EMAIL_MESSAGE_SENDER, type PreparedSender } from '../model/ports/email-message.sender.js';
import { ModuleContext } from '../model/host-calls/async-context.js';
import { MAILING_DATA_SOURCE } from '../model/options/data-source.token.js';
import {
  MAILING_SETTINGS,
  type MailingModuleOptions,
  type MailingSettings,
} from '../model/options/mailing-options.js';
import { toMailingSettings } from '../model/options/mailing-settings.factory.js';
import { MailingDataSourceMissingError } from '../model/options/setup.errors.js';
import { FAULT_POINTS, noFaultPoints } from '../model/ports/fault-points.js';
import { MailingEvents } from '../model/reports/mailing-event.js';
import { tokenOf } from '../model/values/token.js';
import { EventLogger } from '../work/event.logger.js';
import { ActiveDispatcher } from '../work/execution/active.dispatcher.js';
import { ActivePersister } from '../work/intake/active.persister.js';
import { SourceWatches } from '../work/intake/source-watches.js';
import { ActiveSuppressions, HostProcessor, HostProfiles } from '../work/recipients/host.parts.js';
import { MODULE_OPTIONS_TOKEN } from './mailing-module.definition.js';
import { provide, provideFrom } from './provide.js';

/** Prepares the message sender, then finds the host's classes. */
export const PREPARE = tokenOf<() => Promise<void>>('MAILING_PREPARE');

/** What the host gives, and what all rooms need. */
export function hostProviders(dataSourceName: string): Provider[] {
  return [
    {
      provide: MAILING_SETTINGS,
      useFactory: (options: MailingModuleOptions) => toMailingSettings(options),
      inject: [MODULE_OPTIONS_TOKEN],
    },
    {
      provide: MAILING_DATA_SOURCE,
      useFactory: (dataSource?: DataSource) => {
        if (!dataSource) throw new MailingDataSourceMissingError(dataSourceName);
        return dataSource;
      },
      inject: [{ token: getDataSourceToken(dataSourceName) as string, optional: true }],
    },
    { provide: FAULT_POINTS, useValue: noFaultPoints },
    provide(ModuleContext),
    provide(EventLogger, MailingEvents, MAILING_SETTINGS),
    MailingEvents,
    provideFrom(
      SourceWatches,
      ({ run }: MailingSettings) => new SourceWatches(run.sourceTimeoutMs),
      MAILING_SETTINGS,
    ),
    prepare,
  ];
}

/** Runs after all modules have been put together; before that, a class of another module can't be found. */
const prepare = provideFrom(
  PREPARE,
  (
    settings: MailingSettings,
    sender: PreparedSender,
    persister: ActivePersister,
    profiles: HostProfiles,
    host: HostProcessor,
    suppressions: ActiveSuppressions,
    dispatcher: ActiveDispatcher,
    active: ActiveRenderer,
    moduleRef: ModuleRef,
  ) =>
    async () => {
      const { profileRepository, parameterProcessor, suppressionList, batch, renderer, messageSender } =
        settings;
      const { templateEmailPersister } = settings;
      if (messageSender && sender instanceof HostMessageSender)
        await sender.use(await find(moduleRef, messageSender));
      sender.prepare();
      if (templateEmailPersister) persister.use(await find(moduleRef, templateEmailPersister));
      if (profileRepository) profiles.repository = await find(moduleRef, profileRepository);
      if (parameterProcessor) host.processor = await find(moduleRef, parameterProcessor);
      if (suppressionList) suppressions.list = await find(moduleRef, suppressionList);
      if (batch.dispatcher) dispatcher.use(await find(moduleRef, batch.dispatcher));
      if (renderer) {
        const found = await find(moduleRef, renderer);
        if (found instanceof MailerAdapterRenderer) assertAdapter(found);
        active.use(found);
      }
    },
  MAILING_SETTINGS,
  EMAIL_MESSAGE_SENDER,
  ActivePersister,
  HostProfiles,
  HostProcessor,
  ActiveSuppressions,
  ActiveDispatcher,
  ActiveRenderer,
  ModuleRef,
);

/** Finds a provider of the plugin, or else of the host, in any module. Nest instantiates a class that is no provider. */
async function find<T>(moduleRef: ModuleRef, type: Type<T>): Promise<T> {
  for (const strict of [true, false]) {
    try {
      return moduleRef.get(type, { strict });
    } catch {
      // Not registered there.
    }
  }
  return moduleRef.create(type);
}
