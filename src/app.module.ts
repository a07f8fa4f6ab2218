import { fileURLToPath } from 'node:url';
import { MailerModule } from '@nestjs-modules/mailer';
import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MailingModule, mailingMigrations, type MailingModuleOptions } from 'nestjs-mailing';
import type { HostConfiguration } from './configuration/host-configuration.js';
import { dataSourceOptionsOf } from './database/data-source.options.js';
import { HealthController } from './health/health.controller.js';
import { NewsletterModule } from './newsletter/newsletter.module.js';

const TEMPLATE_FOLDER = fileURLToPath(new URL('newsletter/templates', import.meta.url));

/** The whole service: database, mailer, plugin, and the newsletter that uses them. */
@Module({})
export class AppModule {
  static with(configuration: HostConfiguration): DynamicModule {
    return {
      module: AppModule,
      imports: [
        TypeOrmModule.forRoot({
          ...dataSourceOptionsOf(configuration.DATABASE_URL),
          autoLoadEntities: true,
          migrations: mailingMigrations,
          migrationsRun: true,
        }),
        MailerModule.forRoot({
          transport: {
            url: configuration.SMTP_URL,
            pool: true,
            maxConnections: connectionsOf(configuration),
          },
        }),
        MailingModule.forRoot({
          isGlobal: true,
          templates: { dir: TEMPLATE_FOLDER },
          uniqServerId: configuration.MAILING_SERVER_ID,
          migrationList: configuration.MAILING_MIGRATION_LIST,
          resume: configuration.MAILING_RESUME,
          bulkSmtp: configuration.MAILING_BULK_SMTP,
          enabledAsTemplateMailServer: configuration.MAILING_TAKES_BATCHES,
          inDoubt: configuration.MAILING_IN_DOUBT,
          run: {
            concurrency: configuration.MAILING_CONCURRENCY,
            maxInDoubt: configuration.MAILING_MAX_IN_DOUBT,
          },
          ...journalOf(configuration),
          server: {
            heartbeatIntervalMs: configuration.MAILING_HEARTBEAT_INTERVAL_MS,
            leaseMs: configuration.MAILING_LEASE_MS,
            idleTransactionTimeoutMs: configuration.MAILING_IDLE_TRANSACTION_TIMEOUT_MS,
          },
          batch: {
            batchIfPossible: configuration.MAILING_BATCH_IF_POSSIBLE,
            emailsPerBatch: configuration.MAILING_EMAILS_PER_BATCH,
            numBatchThreads: configuration.MAILING_BATCH_THREADS,
            pollIntervalMs: configuration.MAILING_POLL_INTERVAL_MS,
          },
        }),
        NewsletterModule.with({
          maxBytes: configuration.NEWSLETTER_MAX_UPLOAD_BYTES,
          maxRows: configuration.NEWSLETTER_MAX_UPLOAD_ROWS,
        }),
      ],
      controllers: [HealthController],
    };
  }
}

function journalOf({ MAILING_JOURNAL_DIR: dir }: HostConfiguration): Pick<MailingModuleOptions, 'journal'> {
  if (dir === undefined) return {};
  return { journal: dir === 'off' ? false : { dir } };
}

/** Each batch has its own messages in flight. With too few connections they would wait in the pool until their timeout. */
function connectionsOf(configuration: HostConfiguration): number {
  const { MAILING_CONCURRENCY, MAILING_BATCH_THREADS, MAILING_TAKES_BATCHES } = configuration;
  return MAILING_TAKES_BATCHES ? MAILING_CONCURRENCY * MAILING_BATCH_THREADS : MAILING_CONCURRENCY;
}
