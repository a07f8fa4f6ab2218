import type { Provider } from '@nestjs/common';
import { FAULT_POINTS } from './model/fault-points.js';
import { MailingEvents } from './model/mailing-event.js';
import { MAILING_SETTINGS } from './model/mailing-options.js';
import { assembled, made } from './provider-shapes.js';
import { MailingClaims } from './store/mailing-claims.js';
import { MailingReader } from './store/mailing.reader.js';
import { TemplateEmailBatchServerPersister } from './store/template-email-batch-server.persister.js';
import { TemplateEmailBatchPersister } from './store/template-email-batch.persister.js';
import { TemplateEmailPersister } from './store/template-email.persister.js';
import { BatchSweep } from './work/batch-sweep.js';
import { BatchWorker } from './work/batch-worker.js';
import { ClaimTaker } from './work/claim-taker.js';
import { DispatcherLine } from './work/dispatcher-line.js';
import { MailingRuns } from './work/mailing-runs.js';
import { ResumeHold } from './work/resume-hold.js';
import { ServerMembership } from './work/server-membership.js';
import { SliceRunner } from './work/slice.runner.js';

/** What takes up batches, and frees those of the dead. */
export const batchProviders: Provider[] = [
  made(DispatcherLine, [MAILING_SETTINGS, MailingEvents]),
  assembled(BatchWorker, {
    settings: MAILING_SETTINGS,
    batches: TemplateEmailBatchPersister,
    servers: TemplateEmailBatchServerPersister,
    persister: TemplateEmailPersister,
    reader: MailingReader,
    membership: ServerMembership,
    runs: MailingRuns,
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
    claims: ClaimTaker,
    worker: BatchWorker,
    runner: SliceRunner,
    runs: MailingRuns,
    hold: ResumeHold,
    membership: ServerMembership,
    dispatcher: DispatcherLine,
    events: MailingEvents,
  }),
];
