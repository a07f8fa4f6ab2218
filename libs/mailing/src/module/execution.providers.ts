import type { Provider } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { NamedSenders } from '../delivery/transport/named.senders.js';
import { ModuleContext } from '../model/host-calls/async-context.js';
import { MAILING_SETTINGS, type MailingSettings } from '../model/options/mailing-options.js';
import { FAULT_POINTS } from '../model/ports/fault-points.js';
import { TEMPLATE_RENDERER } from '../model/ports/template.renderer.js';
import { MailingEvents } from '../model/reports/mailing-event.js';
import { MailingClaims } from '../store/claims/mailing-claims.js';
import { TemplateEmailBatchPersister } from '../store/claims/template-email-batch.persister.js';
import { CommandPersister } from '../store/commands/command.persister.js';
import { MailingDatabase } from '../store/database/mailing.database.js';
import { ActivePersister } from '../work/intake/active.persister.js';
import { HealthReader } from '../store/queries/health.reader.js';
import { MailingReader } from '../store/queries/mailing.reader.js';
import { TemplateEmailBatchServerPersister } from '../store/servers/template-email-batch-server.persister.js';
import { ClaimAcquirer } from '../work/claims/claim.acquirer.js';
import { InDoubtDecision } from '../work/claims/in-doubt.decision.js';
import { FencedRuns } from '../work/claims/fenced.runs.js';
import { JournalRecovery } from '../work/claims/journal.recovery.js';
import { ActiveDispatcher } from '../work/execution/active.dispatcher.js';
import { BatchWorker } from '../work/execution/batch-worker.js';
import { ContentOpener } from '../work/execution/content.opener.js';
import { HeldMailings } from '../work/execution/held.mailings.js';
import { MailingLauncher } from '../work/execution/mailing-launcher.js';
import { OpeningOutages } from '../work/execution/opening-outages.js';
import { ResumeHold } from '../work/execution/resume-hold.js';
import { SliceRunner } from '../work/execution/slice.runner.js';
import { RateLimiter } from '../work/pacing/rate-limiter.js';
import { ProfileRecorder } from '../work/recipients/profile.recorder.js';
import { RunRegistry } from '../work/run/run.registry.js';
import { MAILING_DATA_SOURCE } from '../model/options/data-source.token.js';
import { JournalFolder } from '../store/journal/journal.folder.js';
import { JournalManager } from '../work/servers/journal.manager.js';
import { ServerMembership } from '../work/servers/server-membership.js';
import { HeartbeatTimer } from '../work/servers/heartbeat.timer.js';
import { TemplateEmailPeriodicService } from '../work/servers/template-email-periodic.service.js';
import { STALLED_AFTER_MS } from '../work/stalled.findings.js';
import { GATES, PROCESSING, PROFILES, SLOT_SOURCES } from './delivery.providers.js';
import { provide, provideByName, provideFrom } from './provide.js';

/** Providers of the process among others: its membership, its journal, its heartbeats. */
export const serverProviders: Provider[] = [
  provideFrom(
    JournalFolder,
    (settings: MailingSettings, dataSource: DataSource) => new JournalFolder(settings, dataSource),
    MAILING_SETTINGS,
    MAILING_DATA_SOURCE,
  ),
  provide(JournalManager, JournalFolder, MailingEvents),
  provide(
    ServerMembership,
    TemplateEmailBatchServerPersister,
    MAILING_SETTINGS,
    MailingEvents,
    JournalManager,
  ),
  provideFrom(
    RunRegistry,
    ({ run }: MailingSettings, context: ModuleContext) => new RunRegistry(run.maxConcurrentMailings, context),
    MAILING_SETTINGS,
    ModuleContext,
  ),
  provide(HeartbeatTimer, ServerMembership, RunRegistry, MAILING_SETTINGS, MailingEvents),
  provide(TemplateEmailPeriodicService, HeartbeatTimer),
];

const EXECUTION_PARTS = {
  persister: ActivePersister,
  reader: MailingReader,
  membership: ServerMembership,
  runs: RunRegistry,
  hold: ResumeHold,
  opener: ContentOpener,
  runner: SliceRunner,
  events: MailingEvents,
  faultPoints: FAULT_POINTS,
};

/** Providers of what claims work and carries it out. */
export const executionProviders: Provider[] = [
  provide(ActiveDispatcher, MAILING_SETTINGS, MailingEvents),
  provide(ResumeHold, MAILING_SETTINGS),
  provide(HeldMailings, MAILING_SETTINGS, HealthReader, ResumeHold),
  provide(
    InDoubtDecision,
    MAILING_SETTINGS,
    CommandPersister,
    MailingEvents,
    FAULT_POINTS,
    ProfileRecorder,
    RunRegistry,
  ),
  provide(
    JournalRecovery,
    JournalFolder,
    MAILING_SETTINGS,
    ServerMembership,
    MailingClaims,
    TemplateEmailBatchPersister,
    TemplateEmailPeriodicService,
  ),
  provide(FencedRuns),
  provideByName(ClaimAcquirer, {
    settings: MAILING_SETTINGS,
    claims: MailingClaims,
    batches: TemplateEmailBatchPersister,
    membership: ServerMembership,
    doubts: InDoubtDecision,
    fencedRuns: FencedRuns,
    journals: JournalRecovery,
    recorder: ProfileRecorder,
    faultPoints: FAULT_POINTS,
  }),
  provideFrom(
    OpeningOutages,
    ({ run, server }: MailingSettings, events: MailingEvents) =>
      new OpeningOutages(
        run.transportOutageTimeoutMs,
        2 * (STALLED_AFTER_MS + run.hostCallTimeoutMs) + server.heartbeatIntervalMs,
        events,
      ),
    MAILING_SETTINGS,
    MailingEvents,
  ),
  provide(ContentOpener, NamedSenders, TEMPLATE_RENDERER, OpeningOutages, MAILING_SETTINGS),
  provideByName(SliceRunner, {
    settings: MAILING_SETTINGS,
    database: MailingDatabase,
    membership: ServerMembership,
    limiter: RateLimiter,
    journal: JournalManager,
    senders: NamedSenders,
    profiles: PROFILES,
    gates: GATES,
    recorder: ProfileRecorder,
    slots: SLOT_SOURCES,
    processing: PROCESSING,
    fencedRuns: FencedRuns,
    events: MailingEvents,
    faultPoints: FAULT_POINTS,
  }),
  provideByName(MailingLauncher, {
    settings: MAILING_SETTINGS,
    claims: ClaimAcquirer,
    ...EXECUTION_PARTS,
  }),
  provideByName(BatchWorker, {
    settings: MAILING_SETTINGS,
    batches: TemplateEmailBatchPersister,
    servers: TemplateEmailBatchServerPersister,
    ...EXECUTION_PARTS,
  }),
];
