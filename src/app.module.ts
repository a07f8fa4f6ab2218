import { fileURLToPath } from 'node:url';
import { MailerModule } from '@nestjs-modules/mailer';
import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MailingModule, mailingMigrations } from 'nestjs-mailing';
import type { HostConfiguration } from './configuration/host-configuration.js';
import { dataSourceOptionsOf } from './database/data-source.options.js';
import { HealthController } from './health/health.controller.js';
import { NewsletterModule } from './newsletter/newsletter.module.js';

const TEMPLATE_FOLDER = fileURLToPath(new URL('newsletter/templates', import.meta.url));

/** The whole service: a database, a mailer, the plugin, and the newsletter that uses them. */
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
            maxConnections: configuration.MAILING_CONCURRENCY,
          },
        }),
        MailingModule.forRoot({
          isGlobal: true,
          templates: { dir: TEMPLATE_FOLDER },
          uniqServerId: configuration.MAILING_SERVER_ID,
          migrationList: configuration.MAILING_MIGRATION_LIST,
          inDoubt: configuration.MAILING_IN_DOUBT,
          run: { concurrency: configuration.MAILING_CONCURRENCY },
          server: {
            heartbeatMs: configuration.MAILING_HEARTBEAT_MS,
            serverTimeoutMs: configuration.MAILING_SERVER_TIMEOUT_MS,
            idleTransactionTimeoutMs: configuration.MAILING_IDLE_TRANSACTION_TIMEOUT_MS,
          },
        }),
        NewsletterModule,
      ],
      controllers: [HealthController],
    };
  }
}
