import { MailerService } from '@nestjs-modules/mailer';
import type { FactoryProvider, InjectionToken, Provider, Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { EMAIL_MESSAGE_SENDER } from './delivery/email-message.sender.js';
import { HandlebarsRenderer } from './delivery/handlebars.renderer.js';
import { MailerMessageSender } from './delivery/mailer-message.sender.js';
import { TemplateFolder } from './delivery/template-folder.js';
import { MODULE_OPTIONS_TOKEN } from './mailing-module.definition.js';
import { FAULT_POINTS, type FaultPoints, noFaultPoints } from './model/fault-points.js';
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
import { MailingReader } from './store/mailing.reader.js';
import { StandingOrders } from './store/standing-orders.js';
import { TemplateEmailBatchServerPersister } from './store/template-email-batch-server.persister.js';
import { TemplateEmailPersister } from './store/template-email.persister.js';
import { ClaimTaker } from './work/claim-taker.js';
import { DoubtResolver } from './work/doubt.resolver.js';
import { EventLogger } from './work/event.logger.js';
import { MailingIntake } from './work/mailing-intake.js';
import { MailingLauncher } from './work/mailing-launcher.js';
import { MailingOrders } from './work/mailing-orders.js';
import { MailingRuns } from './work/mailing-runs.js';
import { MailingEngine } from './work/mailing.engine.js';
import { MailingQuery } from './work/mailing.query.js';
import { RateLimiter } from './work/rate-limiter.js';
import { ServerMembership } from './work/server-membership.js';
import { TemplateEmailPeriodicService } from './work/template-email-periodic.service.js';
import { TemplateEmailRestarter } from './work/template-email.restarter.js';
import { TemplateEmailSender } from './work/template-email.sender.js';
import { TransportProbe } from './work/transport-probe.js';

/** `() => ProfileRepository | null`: known once everything is put together. */
const PROFILES = Symbol('MAILING_PROFILES');

/** The host's data source, whatever its name. */
export const MAILING_DATA_SOURCE = Symbol('MAILING_DATA_SOURCE');

/** The host's profiles. They are looked up once everything is put together, because the host's class may live anywhere. */
class ProfileSource {
  repository: ProfileRepository | null = null;
  readonly get = (): ProfileRepository | null => this.repository;
}

/** Every part of the engine, each made from the parts above it: the wiring of the four rooms, and nothing else. */
export function engineProviders(dataSourceName: string): Provider[] {
  return [...hostProviders(dataSourceName), ...storeProviders, ...serverProviders, ...workProviders];
}

/** What the host gives, and what everybody needs. */
function hostProviders(dataSourceName: string): Provider[] {
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
    { provide: PROFILES, useFactory: ({ get }: ProfileSource) => get, inject: [ProfileSource] },
    mailerSender,
    {
      provide: HandlebarsRenderer,
      useFactory: ({ templates }: MailingSettings) =>
        new HandlebarsRenderer(new TemplateFolder(templates.dir)),
      inject: [MAILING_SETTINGS],
    },
  ];
}

/** Our classes know nothing of Nest's injector; this tells it what their constructors take, in order. */
function made<T>(type: Type<T>, inject: FactoryProvider['inject'] = []): FactoryProvider<T> {
  return { provide: type, useFactory: (...parts: unknown[]) => new type(...parts), inject };
}

/** The same for a class whose constructor takes its many parts by name. */
function assembled<T, P extends object>(
  type: new (parts: P) => T,
  parts: { [K in keyof P]: InjectionToken },
): FactoryProvider<T> {
  const names = Object.keys(parts) as (keyof P)[];
  return {
    provide: type,
    useFactory: (...values: unknown[]) =>
      new type(Object.fromEntries(names.map((name, n) => [name, values[n]])) as P),
    inject: names.map((name) => parts[name]),
  };
}

const mailerSender: FactoryProvider = {
  provide: EMAIL_MESSAGE_SENDER,
  useFactory: (settings: MailingSettings, events: MailingEvents, mailer?: MailerService) => {
    if (!mailer) throw new MailerMissingError();
    return new MailerMessageSender(mailer, settings.transporterName, events);
  },
  inject: [MAILING_SETTINGS, MailingEvents, { token: MailerService, optional: true }],
};

const restarter = made(TemplateEmailRestarter, [
  MAILING_SETTINGS,
  MailingClaims,
  TemplateEmailBatchServerPersister,
  ServerMembership,
  MailingLauncher,
  MailingRuns,
  TemplateEmailPeriodicService,
  TransportProbe,
  MailingEvents,
  FAULT_POINTS,
]);

const engine: FactoryProvider = {
  provide: MailingEngine,
  useFactory: (
    settings: MailingSettings,
    dataSource: DataSource,
    database: MailingDatabase,
    intake: MailingIntake,
    runs: MailingRuns,
    periodic: TemplateEmailPeriodicService,
    restart: TemplateEmailRestarter,
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
      intake,
      runs,
      periodic,
      restart,
      membership,
      events,
      prepare,
    );
  },
  inject: [
    MAILING_SETTINGS,
    MAILING_DATA_SOURCE,
    MailingDatabase,
    MailingIntake,
    MailingRuns,
    TemplateEmailPeriodicService,
    TemplateEmailRestarter,
    ServerMembership,
    MailingEvents,
    EMAIL_MESSAGE_SENDER,
    ProfileSource,
    ModuleRef,
  ],
};

const storeProviders: Provider[] = [
  {
    provide: MailingDatabase,
    useFactory: (dataSource: DataSource, faultPoints: FaultPoints, { server }: MailingSettings) =>
      new MailingDatabase(dataSource, faultPoints, server.idleTransactionTimeoutMs),
    inject: [MAILING_DATA_SOURCE, FAULT_POINTS, MAILING_SETTINGS],
  },
  made(TemplateEmailPersister, [MailingDatabase]),
  made(MailingReader, [MailingDatabase]),
  made(StandingOrders, [MailingDatabase, FAULT_POINTS]),
  made(MailingClaims, [MailingDatabase]),
  {
    provide: TemplateEmailBatchServerPersister,
    useFactory: (database: MailingDatabase, { server }: MailingSettings) =>
      new TemplateEmailBatchServerPersister(database, server.serverTimeoutMs),
    inject: [MailingDatabase, MAILING_SETTINGS],
  },
];

const serverProviders: Provider[] = [
  made(ServerMembership, [TemplateEmailBatchServerPersister, MAILING_SETTINGS, MailingEvents]),
  {
    provide: MailingRuns,
    useFactory: ({ run }: MailingSettings) => new MailingRuns(run.parallelMailings),
    inject: [MAILING_SETTINGS],
  },
  {
    provide: RateLimiter,
    useFactory: ({ run }: MailingSettings) => new RateLimiter(run.ratePerSecond),
    inject: [MAILING_SETTINGS],
  },
];

const workProviders: Provider[] = [
  {
    provide: DoubtResolver,
    useFactory: (
      { inDoubt }: MailingSettings,
      orders: StandingOrders,
      events: MailingEvents,
      faultPoints: FaultPoints,
    ) => new DoubtResolver(inDoubt, orders, events, faultPoints),
    inject: [MAILING_SETTINGS, StandingOrders, MailingEvents, FAULT_POINTS],
  },
  made(ClaimTaker, [MailingClaims, MAILING_SETTINGS, ServerMembership, DoubtResolver, FAULT_POINTS]),
  assembled(MailingLauncher, {
    settings: MAILING_SETTINGS,
    database: MailingDatabase,
    claims: ClaimTaker,
    persister: TemplateEmailPersister,
    reader: MailingReader,
    membership: ServerMembership,
    runs: MailingRuns,
    limiter: RateLimiter,
    renderer: HandlebarsRenderer,
    sender: EMAIL_MESSAGE_SENDER,
    profiles: PROFILES,
    events: MailingEvents,
    faultPoints: FAULT_POINTS,
  }),
  made(TemplateEmailPeriodicService, [ServerMembership, MailingRuns, MAILING_SETTINGS, MailingEvents]),
  assembled(MailingIntake, {
    settings: MAILING_SETTINGS,
    persister: TemplateEmailPersister,
    reader: MailingReader,
    servers: TemplateEmailBatchServerPersister,
    membership: ServerMembership,
    launcher: MailingLauncher,
    profiles: PROFILES,
    events: MailingEvents,
    faultPoints: FAULT_POINTS,
  }),
  assembled(MailingOrders, {
    settings: MAILING_SETTINGS,
    orders: StandingOrders,
    claims: MailingClaims,
    servers: TemplateEmailBatchServerPersister,
    membership: ServerMembership,
    launcher: MailingLauncher,
    runs: MailingRuns,
    events: MailingEvents,
  }),
  made(TemplateEmailSender, [
    MAILING_SETTINGS,
    MailingIntake,
    MailingOrders,
    MailingLauncher,
    HandlebarsRenderer,
    PROFILES,
  ]),
  {
    provide: TransportProbe,
    useFactory: (
      { uniqServerId }: MailingSettings,
      orders: StandingOrders,
      messageSender: MailerMessageSender,
      { stopSignal }: MailingRuns,
      events: MailingEvents,
    ) => new TransportProbe(uniqServerId, orders, messageSender, stopSignal, events),
    inject: [MAILING_SETTINGS, StandingOrders, EMAIL_MESSAGE_SENDER, MailingRuns, MailingEvents],
  },
  restarter,
  made(MailingQuery, [MailingReader]),
  engine,
];

/** A provider of the host, wherever it is; or a class that nobody has registered, made by Nest. */
async function find<T>(moduleRef: ModuleRef, type: Type<T>): Promise<T> {
  try {
    return moduleRef.get(type, { strict: false });
  } catch {
    return moduleRef.create(type);
  }
}
