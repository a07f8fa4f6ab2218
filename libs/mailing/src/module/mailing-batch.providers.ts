import type { Provider } from '@nestjs/common';
import { FAULT_POINTS } from '../model/ports/fault-points.js';
import { MailingEvents } from '../model/reports/mailing-event.js';
import { MAILING_SETTINGS } from '../model/options/mailing-options.js';
import { assembled, made } from './provider-shapes.js';
import { MailingClaims } from '../store/claims/mailing-claims.js';
import { MailingReader } from '../store/queries/mailing.reader.js';
import { TemplateEmailBatchServerPersister } from '../store/servers/template-email-batch-server.persister.js';
import { TemplateEmailBatchPersister } from '../store/claims/template-email-batch.persister.js';
import { TemplateEmailPersister } from '../store/intake/template-email.persister.js';
import { BatchSweep } from '../work/sweeps/batch.sweep.js';
import { BatchWorker } from '../work/execution/batch-worker.js';
import { ClaimAcquirer } from '../work/claims/claim.acquirer.js';
import { ActiveDispatcher } from '../work/execution/active.dispatcher.js';
import { RunRegistry } from '../work/run/run.registry.js';
import { ResumeHold } from '../work/execution/resume-hold.js';
import { ServerMembership } from '../work/servers/server-membership.js';
import { SliceRunner } from '../work/execution/slice.runner.js';

/** Claims batches, and frees those of dead servers. */
export const batchProviders: Provider[] = [
  made(ActiveDispatcher, [MAILING_SETTINGS, MailingEvents]),
  assembled(BatchWorker, {
    settings: MAILING_SETTINGS,
    batches: TemplateEmailBatchPersister,
    servers: TemplateEmailBatchServerPersister,
    persister: TemplateEmailPersister,
    reader: MailingReader,
    membership: ServerMembership,
    runs: RunRegistry,
    hold: ResumeHold,
    runner: SliceRunner,
    events: MailingEvents,
    faultPoints: FAULT_POINTS,
  }),
  assembled(BatchSweep, {
    settings: MAILING_SETTINGS,
    batches: TemplateEmailBatchPersister,
    persister: TemplateEmailPersister,
    mailings: MailingClaims,
    claims: ClaimAcquirer,
    worker: BatchWorker,
    runner: SliceRunner,
    runs: RunRegistry,
    hold: ResumeHold,
    membership: ServerMembership,
    dispatcher: ActiveDispatcher,
    events: MailingEvents,
  }),
];
