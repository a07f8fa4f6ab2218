import { MailerService } from '@nestjs-modules/mailer';
import type { FactoryProvider, Provider, Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { EMAIL_MESSAGE_SENDER } from './delivery/email-message.sender.js';
import { HandlebarsRenderer } from './delivery/handlebars.renderer.js';
import { MailerMessageSender } from './delivery/mailer-message.sender.js';
import { TemplateFolder } from './delivery/template-folder.js';
import { MODULE_OPTIONS_TOKEN } from './mailing-module.definition.js';
import { FAULT_POINTS, noFaultPoints } from './model/fault-points.js';
import { MailingEvents } from './model/mailing-event.js';
import {
  MAILING_SETTINGS,
  type MailingModuleOptions,
  type MailingSettings,
} from './model/mailing-options.js';
import { toMailingSettings } from './model/mailing-settings.factory.js';
import type { ProfileRepository } from './model/profile.repository.js';
import { MailerMissingError, MailingDataSourceMissingError } from './model/setup.errors.js';
import { MailingClaims } from './store/mailing-claims.js';
import { MailingDatabase } from './store/mailing.database.js';
import { TemplateEmailBatchServerPersister } from './store/template-email-batch-server.persister.js';
import { TemplateEmailPersister } from './store/template-email.persister.js';
import { EventLogger } from './work/event.logger.js';
import { Heartbeat } from './work/heartbeat.js';
import { MailingLauncher } from './work/mailing-launcher.js';
import { MailingRuns } from './work/mailing-runs.js';
import { MailingEngine } from './work/mailing.engine.js';
import { MailingQuery } from './work/mailing.query.js';
import { ServerMembership } from './work/server-membership.js';
import { TemplateEmailRestarter } from './work/template-email.restarter.js';
import { TemplateEmailSender } from './work/template-email.sender.js';

/** The host's data source, whatever its name. */
export const MAILING_DATA_SOURCE = Symbol('MAILING_DATA_SOURCE');

/** The host's profiles. They are looked up once everything is put together, because the host's class may live anywhere. */
class ProfileSource {
  repository: ProfileRepository | null = null;
  readonly get = (): ProfileRepository | null => this.repository;
}

/** Every part of the engine, each made from the parts above it: the wiring of the four rooms, and nothing else. */
export function engineProviders(dataSourceName: string): Provider[] {
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
    {
      provide: EventLogger,
      useFactory: (events: MailingEvents) => new EventLogger(events),
      inject: [MailingEvents],
    },
    MailingEvents,
    ProfileSource,
    made(MailingDatabase, [MAILING_DATA_SOURCE]),
    made(TemplateEmailPersister, [MailingDatabase]),
    made(MailingClaims, [MailingDatabase]),
    {
      provide: TemplateEmailBatchServerPersister,
      useFactory: (database: MailingDatabase, { server }: MailingSettings) =>
        new TemplateEmailBatchServerPersister(database, server.serverTimeoutMs),
      inject: [MailingDatabase, MAILING_SETTINGS],
    },
    made(ServerMembership, [TemplateEmailBatchServerPersister, MAILING_SETTINGS, MailingEvents]),
    {
      provide: MailingRuns,
      useFactory: ({ run }: MailingSettings) => new MailingRuns(run.parallelMailings),
      inject: [MAILING_SETTINGS],
    },
    {
      provide: HandlebarsRenderer,
      useFactory: ({ templates }: MailingSettings) =>
        new HandlebarsRenderer(new TemplateFolder(templates.dir)),
      inject: [MAILING_SETTINGS],
    },
    mailerSender,
    launcher,
    made(Heartbeat, [ServerMembership, MailingRuns, MAILING_SETTINGS, MailingEvents]),
    sender,
    restarter,
    made(MailingQuery, [TemplateEmailPersister]),
    engine,
  ];
}

/** Our classes know nothing of Nest's injector; this tells it what their constructors take, in order. */
function made<T>(type: Type<T>, inject: FactoryProvider['inject'] = []): FactoryProvider<T> {
  return { provide: type, useFactory: (...parts: unknown[]) => new type(...parts), inject };
}

const mailerSender: FactoryProvider = {
  provide: EMAIL_MESSAGE_SENDER,
  useFactory: (settings: MailingSettings, events: MailingEvents, mailer?: MailerService) => {
    if (!mailer) throw new MailerMissingError();
    return new MailerMessageSender(mailer, settings.transporterName, events);
  },
  inject: [MAILING_SETTINGS, MailingEvents, { token: MailerService, optional: true }],
};

const launcher: FactoryProvider = {
  provide: MailingLauncher,
  useFactory: (
    settings: MailingSettings,
    database: MailingDatabase,
    claims: MailingClaims,
    persister: TemplateEmailPersister,
    membership: ServerMembership,
    runs: MailingRuns,
    renderer: HandlebarsRenderer,
    messageSender: MailerMessageSender,
    profiles: ProfileSource,
    events: MailingEvents,
    faultPoints: typeof noFaultPoints,
  ) =>
    new MailingLauncher({
      settings,
      database,
      claims,
      persister,
      membership,
      runs,
      renderer,
      sender: messageSender,
      profiles: profiles.get,
      events,
      faultPoints,
    }),
  inject: [
    MAILING_SETTINGS,
    MailingDatabase,
    MailingClaims,
    TemplateEmailPersister,
    ServerMembership,
    MailingRuns,
    HandlebarsRenderer,
    EMAIL_MESSAGE_SENDER,
    ProfileSource,
    MailingEvents,
    FAULT_POINTS,
  ],
};

const sender: FactoryProvider = {
  provide: TemplateEmailSender,
  useFactory: (
    settings: MailingSettings,
    persister: TemplateEmailPersister,
    membership: ServerMembership,
    mailingLauncher: MailingLauncher,
    renderer: HandlebarsRenderer,
    profiles: ProfileSource,
    events: MailingEvents,
    faultPoints: typeof noFaultPoints,
  ) =>
    new TemplateEmailSender(
      settings,
      persister,
      membership,
      mailingLauncher,
      renderer,
      profiles.get,
      events,
      faultPoints,
    ),
  inject: [
    MAILING_SETTINGS,
    TemplateEmailPersister,
    ServerMembership,
    MailingLauncher,
    HandlebarsRenderer,
    ProfileSource,
    MailingEvents,
    FAULT_POINTS,
  ],
};

const restarter = made(TemplateEmailRestarter, [
  MAILING_SETTINGS,
  MailingClaims,
  TemplateEmailBatchServerPersister,
  ServerMembership,
  MailingLauncher,
  MailingRuns,
  Heartbeat,
  MailingEvents,
  FAULT_POINTS,
]);

const engine: FactoryProvider = {
  provide: MailingEngine,
  useFactory: (
    settings: MailingSettings,
    dataSource: DataSource,
    database: MailingDatabase,
    emailSender: TemplateEmailSender,
    runs: MailingRuns,
    heartbeat: Heartbeat,
    membership: ServerMembership,
    events: MailingEvents,
    messageSender: MailerMessageSender,
    profiles: ProfileSource,
    moduleRef: ModuleRef,
  ) => {
    const prepare = async (): Promise<void> => {
      messageSender.prepare();
      if (settings.profileRepository) profiles.repository = await find(moduleRef, settings.profileRepository);
    };
    return new MailingEngine(
      settings,
      dataSource,
      database,
      emailSender,
      runs,
      heartbeat,
      membership,
      events,
      prepare,
    );
  },
  inject: [
    MAILING_SETTINGS,
    MAILING_DATA_SOURCE,
    MailingDatabase,
    TemplateEmailSender,
    MailingRuns,
    Heartbeat,
    ServerMembership,
    MailingEvents,
    EMAIL_MESSAGE_SENDER,
    ProfileSource,
    ModuleRef,
  ],
};

/** A provider of the host, wherever it is; or a class that nobody has registered, made by Nest. */
async function find<T>(moduleRef: ModuleRef, type: Type<T>): Promise<T> {
  try {
    return moduleRef.get(type, { strict: false });
  } catch {
    return moduleRef.create(type);
  }
}
