import type { Provider } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { ModuleContext } from '../model/host-calls/async-context.js';
import { MAILING_DATA_SOURCE } from '../model/options/data-source.token.js';
import { MAILING_SETTINGS, type MailingSettings } from '../model/options/mailing-options.js';
import { FAULT_POINTS, type FaultPoints } from '../model/ports/fault-points.js';
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
import { provide, provideFrom } from './provide.js';

/** The database, and everything that has statements. */
export const storeProviders: Provider[] = [
  provideFrom(
    MailingDatabase,
    (dataSource: DataSource, faultPoints: FaultPoints, { server }: MailingSettings, context: ModuleContext) =>
      new MailingDatabase(dataSource, faultPoints, server.idleTransactionTimeoutMs, context, {
        memoryMs: server.commitMemoryMs,
        lagTimeoutMs: server.databaseLagTimeoutMs,
      }),
    MAILING_DATA_SOURCE,
    FAULT_POINTS,
    MAILING_SETTINGS,
    ModuleContext,
  ),
  provideFrom(
    AttachmentStore,
    (database: MailingDatabase, { attachments }: MailingSettings) =>
      new AttachmentStore(database, attachments.store),
    MailingDatabase,
    MAILING_SETTINGS,
  ),
  provide(TemplateEmailPersister, MailingDatabase, AttachmentStore),
  provide(SlotPersister, MailingDatabase),
  provide(MailingReader, MailingDatabase),
  provide(CommandPersister, MailingDatabase, FAULT_POINTS),
  provide(MailingClaims, MailingDatabase),
  provide(ForgottenCommits, MailingDatabase),
  provide(TemplateEmailBatchPersister, MailingDatabase),
  provideFrom(
    HealthReader,
    (database: MailingDatabase, { server }: MailingSettings) => new HealthReader(database, server.leaseMs),
    MailingDatabase,
    MAILING_SETTINGS,
  ),
  provideFrom(
    TemplateEmailBatchServerPersister,
    (
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
    MailingDatabase,
    MAILING_SETTINGS,
    MailingEvents,
    FAULT_POINTS,
  ),
];
