import type { Provider } from '@nestjs/common';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { EMAIL_MESSAGE_SENDER } from '../delivery/transport/email-message.sender.js';
import { TEMPLATE_RENDERER } from '../model/ports/template.renderer.js';
import { batchProviders } from './mailing-batch.providers.js';
import { messageSender } from './mailing-delivery.providers.js';
import { contentProviders } from './mailing-content.providers.js';
import { hostPartProviders, PREPARE } from './mailing-host-parts.providers.js';
import { SLOT_SOURCES, slotProviders } from './mailing-slot.providers.js';
import { MODULE_OPTIONS_TOKEN } from './mailing-module.definition.js';
import { GATES, JUDGES, PROFILES, recipientProviders } from './mailing-recipient.providers.js';
import { MAILING_DATA_SOURCE } from '../model/options/data-source.token.js';
import { ModuleContext } from '../model/host-calls/async-context.js';
import { FAULT_POINTS, type FaultPoints, noFaultPoints } from '../model/ports/fault-points.js';
import { MailingEvents } from '../model/reports/mailing-event.js';
import {
  MAILING_SETTINGS,
  type MailingModuleOptions,
  type MailingSettings,
} from '../model/options/mailing-options.js';
import { sweepProviders } from './mailing-sweep.providers.js';
import { toMailingSettings } from '../model/options/mailing-settings.factory.js';
import { MailingDataSourceMissingError } from '../model/options/setup.errors.js';
import { AttachmentStore } from '../store/attachments/attachment.store.js';
import { HealthReader } from '../store/queries/health.reader.js';
import { MailingClaims } from '../store/claims/mailing-claims.js';
import { MailingDatabase } from '../store/database/mailing.database.js';
import { MailingReader } from '../store/queries/mailing.reader.js';
import { SlotPersister } from '../store/intake/slot.persister.js';
import { CommandPersister } from '../store/commands/command.persister.js';
import { TemplateEmailBatchServerPersister } from '../store/servers/template-email-batch-server.persister.js';
import { TemplateEmailBatchPersister } from '../store/claims/template-email-batch.persister.js';
import { TemplateEmailPersister } from '../store/intake/template-email.persister.js';
import { BatchSweep } from '../work/sweeps/batch.sweep.js';
import { BatchWorker } from '../work/execution/batch-worker.js';
import { assembled, made } from './provider-shapes.js';
import { ClaimAcquirer } from '../work/claims/claim.acquirer.js';
import { ActiveDispatcher } from '../work/execution/active.dispatcher.js';
import { JournalRecovery } from '../work/claims/journal.recovery.js';
import { InDoubtDecision } from '../work/claims/in-doubt.decision.js';
import { EventLogger } from '../work/event.logger.js';
import { HeldMailings } from '../work/execution/held.mailings.js';
import { ForgottenCommitsSweep } from '../work/sweeps/forgotten-commits.sweep.js';
import { LateAnswersSweep } from '../work/sweeps/late-answers.sweep.js';
import { JournalManager } from '../work/servers/journal.manager.js';
import { MailingIntake } from '../work/intake/mailing-intake.js';
import { MailingLauncher } from '../work/execution/mailing-launcher.js';
import { MailingCommands } from '../work/mailing.commands.js';
import { RunRegistry } from '../work/run/run.registry.js';
import { MailingEngine } from '../work/mailing.engine.js';
import { MailingHealth } from '../work/mailing.health.js';
import { MailingQuery } from '../work/mailing.query.js';
import { OpeningOutages } from '../work/execution/opening-outages.js';
import { ProfileRecorder } from '../work/recipients/profile.recorder.js';
import { RateLimiter } from '../work/pacing/rate-limiter.js';
import { StalledFindings } from '../work/stalled.findings.js';
import { STALLED_AFTER_MS } from '../work/stalled-after.js';
import { ResumeHold } from '../work/execution/resume-hold.js';
import { ServerMembership } from '../work/servers/server-membership.js';
import { SliceRunner } from '../work/execution/slice.runner.js';
import { SlotRegistry } from '../work/intake/slot.registry.js';
import { SourceWatches } from '../work/intake/source-watches.js';
import { TemplateEmailPeriodicService } from '../work/servers/template-email-periodic.service.js';
import { MailingReporter } from '../work/mailing.reporter.js';
import { TemplateEmailPreview } from '../work/template-email.preview.js';
import { TemplateEmailRestarter } from '../work/sweeps/template-email.restarter.js';
import { TemplateEmailSender } from '../work/template-email.sender.js';

/** All providers of the engine: the wiring of the four rooms, and nothing else. */
export function engineProviders(dataSourceName: string): Provider[] {
  return [...hostProviders(dataSourceName), ...storeProviders, ...serverProviders, ...workProviders];
}

/** What the host gives, and what all parts need. */
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
    made(ModuleContext),
    {
      provide: EventLogger,
      useFactory: (events: MailingEvents, settings: MailingSettings) => new EventLogger(events, settings),
      inject: [MailingEvents, MAILING_SETTINGS],
    },
    MailingEvents,
    ...recipientProviders,
    ...contentProviders,
    ...slotProviders,
    messageSender,
  ];
}

const engine = assembled(MailingEngine, {
  settings: MAILING_SETTINGS,
  context: ModuleContext,
  dataSource: MAILING_DATA_SOURCE,
  database: MailingDatabase,
  attachments: AttachmentStore,
  intake: MailingIntake,
  launcher: MailingLauncher,
  runs: RunRegistry,
  periodic: TemplateEmailPeriodicService,
  restarter: TemplateEmailRestarter,
  batchSweep: BatchSweep,
  forgotten: ForgottenCommitsSweep,
  batchWorker: BatchWorker,
  dispatcher: ActiveDispatcher,
  membership: ServerMembership,
  journal: JournalManager,
  recorder: ProfileRecorder,
  reporter: MailingReporter,
  events: MailingEvents,
  prepare: PREPARE,
});

const storeProviders: Provider[] = [
  {
    provide: MailingDatabase,
    useFactory: (
      dataSource: DataSource,
      faultPoints: FaultPoints,
      { server }: MailingSettings,
      context: ModuleContext,
    ) =>
      new MailingDatabase(dataSource, faultPoints, server.idleTransactionTimeoutMs, context, {
        memoryMs: server.commitMemoryMs,
        lagTimeoutMs: server.databaseLagTimeoutMs,
      }),
    inject: [MAILING_DATA_SOURCE, FAULT_POINTS, MAILING_SETTINGS, ModuleContext],
  },
  made(TemplateEmailPersister, [MailingDatabase, AttachmentStore]),
  made(MailingReader, [MailingDatabase]),
  made(CommandPersister, [MailingDatabase, FAULT_POINTS]),
  made(MailingClaims, [MailingDatabase]),
  made(TemplateEmailBatchPersister, [MailingDatabase]),
  {
    provide: HealthReader,
    useFactory: (database: MailingDatabase, { server }: MailingSettings) =>
      new HealthReader(database, server.leaseMs),
    inject: [MailingDatabase, MAILING_SETTINGS],
  },
  {
    provide: TemplateEmailBatchServerPersister,
    useFactory: (
      database: MailingDatabase,
      { server }: MailingSettings,
      events: MailingEvents,
      faultPoints: FaultPoints,
    ) =>
      new TemplateEmailBatchServerPersister(database, server.leaseMs, {
        pruned: (pruned) => {
          faultPoints.reach('afterServerPruned');
          events.emit('server:pruned', pruned);
        },
        failedOver: (numAwaited) => events.emit('database:failed-over', { numAwaited }),
      }),
    inject: [MailingDatabase, MAILING_SETTINGS, MailingEvents, FAULT_POINTS],
  },
];

const serverProviders: Provider[] = [
  made(JournalManager, [MAILING_SETTINGS, MailingEvents]),
  made(ServerMembership, [
    TemplateEmailBatchServerPersister,
    MAILING_SETTINGS,
    MailingEvents,
    JournalManager,
  ]),
  {
    provide: RunRegistry,
    useFactory: ({ run }: MailingSettings, context: ModuleContext) =>
      new RunRegistry(run.maxConcurrentMailings, context),
    inject: [MAILING_SETTINGS, ModuleContext],
  },
  {
    provide: RateLimiter,
    useFactory: ({ run }: MailingSettings) => new RateLimiter(run.ratePerSecond),
    inject: [MAILING_SETTINGS],
  },
];

const workProviders: Provider[] = [
  {
    provide: InDoubtDecision,
    useFactory: (
      { inDoubt, run }: MailingSettings,
      commands: CommandPersister,
      events: MailingEvents,
      faultPoints: FaultPoints,
      recorder: ProfileRecorder,
      { stopSignal: stop }: RunRegistry,
    ) =>
      new InDoubtDecision(inDoubt, commands, events, faultPoints, recorder, {
        timeoutMs: run.hostCallTimeoutMs,
        stop,
      }),
    inject: [MAILING_SETTINGS, CommandPersister, MailingEvents, FAULT_POINTS, ProfileRecorder, RunRegistry],
  },
  made(JournalRecovery, [
    MAILING_SETTINGS,
    ServerMembership,
    MailingClaims,
    TemplateEmailBatchPersister,
    TemplateEmailPeriodicService,
  ]),
  assembled(ClaimAcquirer, {
    settings: MAILING_SETTINGS,
    claims: MailingClaims,
    batches: TemplateEmailBatchPersister,
    membership: ServerMembership,
    doubts: InDoubtDecision,
    journals: JournalRecovery,
    recorder: ProfileRecorder,
    faultPoints: FAULT_POINTS,
  }),
  {
    provide: OpeningOutages,
    useFactory: ({ run, server }: MailingSettings, events: MailingEvents) =>
      new OpeningOutages(
        run.transportOutageTimeoutMs,
        2 * (STALLED_AFTER_MS + run.hostCallTimeoutMs) + server.heartbeatIntervalMs,
        events,
      ),
    inject: [MAILING_SETTINGS, MailingEvents],
  },
  assembled(SliceRunner, {
    settings: MAILING_SETTINGS,
    database: MailingDatabase,
    membership: ServerMembership,
    limiter: RateLimiter,
    journal: JournalManager,
    renderer: TEMPLATE_RENDERER,
    sender: EMAIL_MESSAGE_SENDER,
    profiles: PROFILES,
    gates: GATES,
    recorder: ProfileRecorder,
    slots: SLOT_SOURCES,
    openings: OpeningOutages,
    lostRuns: LateAnswersSweep,
    events: MailingEvents,
    faultPoints: FAULT_POINTS,
  }),
  assembled(MailingLauncher, {
    settings: MAILING_SETTINGS,
    claims: ClaimAcquirer,
    persister: TemplateEmailPersister,
    reader: MailingReader,
    membership: ServerMembership,
    runs: RunRegistry,
    hold: ResumeHold,
    runner: SliceRunner,
    events: MailingEvents,
    faultPoints: FAULT_POINTS,
  }),
  ...batchProviders,
  made(MailingReporter, [MailingReader, MailingEvents]),
  made(TemplateEmailPeriodicService, [ServerMembership, RunRegistry, MAILING_SETTINGS, MailingEvents]),
  {
    provide: SourceWatches,
    useFactory: ({ run }: MailingSettings) => new SourceWatches(run.sourceTimeoutMs),
    inject: [MAILING_SETTINGS],
  },
  assembled(MailingIntake, {
    settings: MAILING_SETTINGS,
    persister: TemplateEmailPersister,
    slots: SlotPersister,
    reader: MailingReader,
    servers: TemplateEmailBatchServerPersister,
    membership: ServerMembership,
    launcher: MailingLauncher,
    dispatcher: ActiveDispatcher,
    hold: ResumeHold,
    profiles: PROFILES,
    sources: SourceWatches,
    events: MailingEvents,
    faultPoints: FAULT_POINTS,
  }),
  assembled(MailingCommands, {
    settings: MAILING_SETTINGS,
    commands: CommandPersister,
    claims: MailingClaims,
    servers: TemplateEmailBatchServerPersister,
    membership: ServerMembership,
    launcher: MailingLauncher,
    runs: RunRegistry,
    hold: ResumeHold,
    batchSweep: BatchSweep,
    dispatcher: ActiveDispatcher,
    recorder: ProfileRecorder,
    events: MailingEvents,
  }),
  made(TemplateEmailSender, [
    MAILING_SETTINGS,
    MailingIntake,
    MailingCommands,
    MailingLauncher,
    TEMPLATE_RENDERER,
    PROFILES,
    SlotRegistry,
    ModuleContext,
  ]),
  ...sweepProviders,
  ...hostPartProviders,
  made(TemplateEmailPreview, [
    MAILING_SETTINGS,
    TEMPLATE_RENDERER,
    PROFILES,
    ProfileRecorder,
    JUDGES,
    SlotRegistry,
    SourceWatches,
    ModuleContext,
  ]),
  made(MailingQuery, [MailingReader]),
  assembled(StalledFindings, {
    settings: MAILING_SETTINGS,
    reader: HealthReader,
    runs: RunRegistry,
    sources: SourceWatches,
    openings: OpeningOutages,
    hold: ResumeHold,
  }),
  made(MailingHealth, [
    MAILING_SETTINGS,
    ServerMembership,
    HealthReader,
    StalledFindings,
    HeldMailings,
    ResumeHold,
  ]),
  engine,
];
