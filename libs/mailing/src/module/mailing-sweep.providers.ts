import type { Provider } from '@nestjs/common';
import { EMAIL_MESSAGE_SENDER, type EmailMessageSender } from '../delivery/transport/email-message.sender.js';
import { FAULT_POINTS } from '../model/ports/fault-points.js';
import { MailingEvents } from '../model/reports/mailing-event.js';
import { MAILING_SETTINGS, type MailingSettings } from '../model/options/mailing-options.js';
import { assembled, made } from './provider-shapes.js';
import { ForgottenCommits } from '../store/claims/forgotten-commits.js';
import { HealthReader } from '../store/queries/health.reader.js';
import { MailingClaims } from '../store/claims/mailing-claims.js';
import { MailingDatabase } from '../store/database/mailing.database.js';
import { CommandPersister } from '../store/commands/command.persister.js';
import { TemplateEmailBatchServerPersister } from '../store/servers/template-email-batch-server.persister.js';
import { BatchSweep } from '../work/sweeps/batch.sweep.js';
import { BatchWorker } from '../work/execution/batch-worker.js';
import { ActiveDispatcher } from '../work/execution/active.dispatcher.js';
import { ForgottenCommitsSweep } from '../work/sweeps/forgotten-commits.sweep.js';
import { HeldMailings } from '../work/execution/held.mailings.js';
import { LateAnswersSweep } from '../work/sweeps/late-answers.sweep.js';
import { MailingLauncher } from '../work/execution/mailing-launcher.js';
import { RunRegistry } from '../work/run/run.registry.js';
import { ProfileRecorder } from '../work/recipients/profile.recorder.js';
import { ResumeHold } from '../work/execution/resume-hold.js';
import { ServerMembership } from '../work/servers/server-membership.js';
import { ServerSweep } from '../work/sweeps/server.sweep.js';
import { SliceRunner } from '../work/execution/slice.runner.js';
import { TemplateEmailPeriodicService } from '../work/servers/template-email-periodic.service.js';
import { TemplateEmailRestarter } from '../work/sweeps/template-email.restarter.js';
import { TransportProbe } from '../work/sweeps/transport-probe.js';
import { UnclaimedBatchesSweep } from '../work/sweeps/unclaimed-batches.sweep.js';

const restarter = assembled(TemplateEmailRestarter, {
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
});

/** Sweeps for work that was left behind, and the hold on mailings that wait for `resume()`. */
export const sweepProviders: Provider[] = [
  made(ResumeHold, [MAILING_SETTINGS]),
  made(HeldMailings, [MAILING_SETTINGS, HealthReader, ResumeHold]),
  {
    provide: TransportProbe,
    useFactory: (
      { uniqServerId, enabledAsTemplateMailServer }: MailingSettings,
      commands: CommandPersister,
      sender: EmailMessageSender,
      { stopSignal }: RunRegistry,
      hold: ResumeHold,
      events: MailingEvents,
    ) =>
      new TransportProbe(
        uniqServerId,
        enabledAsTemplateMailServer,
        commands,
        sender,
        stopSignal,
        hold,
        events,
      ),
    inject: [
      MAILING_SETTINGS,
      CommandPersister,
      EMAIL_MESSAGE_SENDER,
      RunRegistry,
      ResumeHold,
      MailingEvents,
    ],
  },
  restarter,
  made(ServerSweep, [
    TemplateEmailBatchServerPersister,
    ServerMembership,
    MAILING_SETTINGS,
    TemplateEmailPeriodicService,
  ]),
  made(ForgottenCommits, [MailingDatabase]),
  assembled(ForgottenCommitsSweep, {
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
  made(LateAnswersSweep, [CommandPersister, ProfileRecorder, TemplateEmailPeriodicService, MailingEvents]),
  made(UnclaimedBatchesSweep, [HealthReader, TemplateEmailPeriodicService, MailingEvents]),
];
