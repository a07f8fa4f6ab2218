import type { Provider } from '@nestjs/common';
import { NamedSenders } from '../delivery/transport/named.senders.js';
import { ModuleContext } from '../model/host-calls/async-context.js';
import { MAILING_DATA_SOURCE } from '../model/options/data-source.token.js';
import { MAILING_SETTINGS, type MailingSettings } from '../model/options/mailing-options.js';
import { FAULT_POINTS } from '../model/ports/fault-points.js';
import { TEMPLATE_RENDERER } from '../model/ports/template.renderer.js';
import { MailingEvents } from '../model/reports/mailing-event.js';
import { AttachmentStore } from '../store/attachments/attachment.store.js';
import { ForgottenCommits } from '../store/recovery/forgotten-commits.js';
import { MailingClaims } from '../store/claims/mailing-claims.js';
import { TemplateEmailBatchPersister } from '../store/claims/template-email-batch.persister.js';
import { CommandPersister } from '../store/commands/command.persister.js';
import { MailingDatabase } from '../store/database/mailing.database.js';
import { SlotPersister } from '../store/intake/slot.persister.js';
import { TemplateEmailPersister } from '../store/intake/template-email.persister.js';
import { HealthReader } from '../store/queries/health.reader.js';
import { MailingReader } from '../store/queries/mailing.reader.js';
import { TemplateEmailBatchServerPersister } from '../store/servers/template-email-batch-server.persister.js';
import { ClaimAcquirer } from '../work/claims/claim.acquirer.js';
import { FencedRuns } from '../work/claims/fenced.runs.js';
import { ActiveDispatcher } from '../work/execution/active.dispatcher.js';
import { BatchWorker } from '../work/execution/batch-worker.js';
import { HeldMailings } from '../work/execution/held.mailings.js';
import { MailingLauncher } from '../work/execution/mailing-launcher.js';
import { OpeningOutages } from '../work/execution/opening-outages.js';
import { ResumeHold } from '../work/execution/resume-hold.js';
import { SliceRunner } from '../work/execution/slice.runner.js';
import { ActivePersister } from '../work/intake/active.persister.js';
import { MailingIntake } from '../work/intake/mailing-intake.js';
import { TransactionIntake } from '../work/intake/transaction.intake.js';
import { SlotRegistry } from '../work/intake/slot.registry.js';
import { SourceWatches } from '../work/intake/source-watches.js';
import { EngineControl } from '../work/engine.control.js';
import { MailingCommands } from '../work/mailing.commands.js';
import { MailingEngine } from '../work/mailing.engine.js';
import { MailingHealth } from '../work/mailing.health.js';
import { MailingQuery } from '../work/mailing.query.js';
import { MailingReporter } from '../work/mailing.reporter.js';
import { ProfileRecorder } from '../work/recipients/profile.recorder.js';
import { RunRegistry } from '../work/run/run.registry.js';
import { JournalManager } from '../work/servers/journal.manager.js';
import { ServerMembership } from '../work/servers/server-membership.js';
import { HeartbeatTimer } from '../work/servers/heartbeat.timer.js';
import { TemplateEmailPeriodicService } from '../work/servers/template-email-periodic.service.js';
import { StalledFindings } from '../work/stalled.findings.js';
import { BatchSweep } from '../work/sweeps/batch.sweep.js';
import { ForgottenCommitsSweep } from '../work/sweeps/forgotten-commits.sweep.js';
import { LateAnswersSweep } from '../work/sweeps/late-answers.sweep.js';
import { ServerSweep } from '../work/sweeps/server.sweep.js';
import { RestartSweep } from '../work/sweeps/restart.sweep.js';
import { TemplateEmailRestarter } from '../work/sweeps/template-email.restarter.js';
import { TransportProbe } from '../work/sweeps/transport-probe.js';
import { UnclaimedBatchesSweep } from '../work/sweeps/unclaimed-batches.sweep.js';
import { TemplateEmailPreview } from '../work/template-email.preview.js';
import { TemplateEmailSender } from '../work/template-email.sender.js';
import { CHECKING_GATES, PROCESSING, PROFILES } from './delivery.providers.js';
import { executionProviders, serverProviders } from './execution.providers.js';
import { PREPARE } from './host.providers.js';
import { provide, provideByName, provideFrom } from './provide.js';

const sweepProviders: Provider[] = [
  provideByName(BatchSweep, {
    settings: MAILING_SETTINGS,
    batches: TemplateEmailBatchPersister,
    persister: ActivePersister,
    mailings: MailingClaims,
    claims: ClaimAcquirer,
    worker: BatchWorker,
    runner: SliceRunner,
    runs: RunRegistry,
    hold: ResumeHold,
    membership: ServerMembership,
    dispatcher: ActiveDispatcher,
    periodic: TemplateEmailPeriodicService,
    events: MailingEvents,
  }),
  provideFrom(
    TransportProbe,
    (
      { uniqServerId, enabledAsTemplateMailServer: takesBatches }: MailingSettings,
      commands: CommandPersister,
      senders: NamedSenders,
      { stopSignal }: RunRegistry,
      hold: ResumeHold,
      events: MailingEvents,
    ) => new TransportProbe(uniqServerId, takesBatches, commands, senders, stopSignal, hold, events),
    MAILING_SETTINGS,
    CommandPersister,
    NamedSenders,
    RunRegistry,
    ResumeHold,
    MailingEvents,
  ),
  provideByName(RestartSweep, {
    settings: MAILING_SETTINGS,
    claims: MailingClaims,
    servers: TemplateEmailBatchServerPersister,
    membership: ServerMembership,
    launcher: MailingLauncher,
    runs: RunRegistry,
    periodic: TemplateEmailPeriodicService,
    probe: TransportProbe,
    hold: ResumeHold,
    held: HeldMailings,
    batchSweep: BatchSweep,
    dispatcher: ActiveDispatcher,
    events: MailingEvents,
    faultPoints: FAULT_POINTS,
  }),
  provide(TemplateEmailRestarter, RestartSweep),
  provide(
    ServerSweep,
    TemplateEmailBatchServerPersister,
    ServerMembership,
    MAILING_SETTINGS,
    TemplateEmailPeriodicService,
  ),
  provideByName(ForgottenCommitsSweep, {
    database: MailingDatabase,
    forgotten: ForgottenCommits,
    settings: MAILING_SETTINGS,
    membership: ServerMembership,
    runner: SliceRunner,
    worker: BatchWorker,
    launcher: MailingLauncher,
    periodic: TemplateEmailPeriodicService,
    events: MailingEvents,
  }),
  provide(
    LateAnswersSweep,
    FencedRuns,
    CommandPersister,
    ProfileRecorder,
    TemplateEmailPeriodicService,
    MailingEvents,
  ),
  provide(UnclaimedBatchesSweep, HealthReader, TemplateEmailPeriodicService, MailingEvents),
];

const publicProviders: Provider[] = [
  provideFrom(
    ActivePersister,
    (stored: TemplateEmailPersister, { run }: MailingSettings) =>
      new ActivePersister(stored, run.hostCallTimeoutMs),
    TemplateEmailPersister,
    MAILING_SETTINGS,
  ),
  provideByName(MailingIntake, {
    settings: MAILING_SETTINGS,
    persister: ActivePersister,
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
  provideByName(TransactionIntake, {
    settings: MAILING_SETTINGS,
    persister: ActivePersister,
    slots: SlotPersister,
    reader: MailingReader,
    membership: ServerMembership,
    hold: ResumeHold,
    profiles: PROFILES,
    sources: SourceWatches,
    faultPoints: FAULT_POINTS,
    intake: MailingIntake,
  }),
  provideByName(MailingCommands, {
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
  provide(
    TemplateEmailSender,
    MAILING_SETTINGS,
    MailingIntake,
    TransactionIntake,
    MailingCommands,
    MailingLauncher,
    NamedSenders,
    TEMPLATE_RENDERER,
    PROFILES,
    SlotRegistry,
    ModuleContext,
  ),
  provide(
    TemplateEmailPreview,
    MAILING_SETTINGS,
    NamedSenders,
    TEMPLATE_RENDERER,
    PROFILES,
    ProfileRecorder,
    CHECKING_GATES,
    PROCESSING,
    SlotRegistry,
    SourceWatches,
    ModuleContext,
  ),
  provide(MailingReporter, MailingReader, MailingEvents),
  provide(MailingQuery, MailingReader),
  provideByName(StalledFindings, {
    settings: MAILING_SETTINGS,
    reader: HealthReader,
    runs: RunRegistry,
    sources: SourceWatches,
    openings: OpeningOutages,
    hold: ResumeHold,
  }),
  provide(
    MailingHealth,
    MAILING_SETTINGS,
    ServerMembership,
    HealthReader,
    StalledFindings,
    HeldMailings,
    ResumeHold,
  ),
];

const engine = provideByName(MailingEngine, {
  settings: MAILING_SETTINGS,
  context: ModuleContext,
  dataSource: MAILING_DATA_SOURCE,
  database: MailingDatabase,
  attachments: AttachmentStore,
  intake: MailingIntake,
  launcher: MailingLauncher,
  runs: RunRegistry,
  heartbeats: HeartbeatTimer,
  restarts: RestartSweep,
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

const control = provideByName(EngineControl, {
  settings: MAILING_SETTINGS,
  dataSource: MAILING_DATA_SOURCE,
  engine: MailingEngine,
  intake: MailingIntake,
  runs: RunRegistry,
  launcher: MailingLauncher,
  hold: ResumeHold,
  dispatcher: ActiveDispatcher,
  heartbeats: HeartbeatTimer,
  restarts: RestartSweep,
  probe: TransportProbe,
  events: MailingEvents,
});

/** Providers of the room work, from the servers up to the public classes and the engine. */
export const workProviders: Provider[] = [
  ...serverProviders,
  ...executionProviders,
  ...sweepProviders,
  ...publicProviders,
  engine,
  control,
];
