import { MailerModule } from '@nestjs-modules/mailer';
import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MailingModule, mailingMigrations } from 'nestjs-mailing';
import { dataSourceOptionsOf } from '../src/database/data-source.options.js';
import { TEMPLATE_FOLDER } from './letter.js';

export interface MailingHostSettings {
  databaseUrl: string;
  smtpUrl: string;
  serverId: string;
  /** Whether it takes batches, or only accepts mailings for other servers. */
  takesBatches: boolean;
  /** Connections of the nodemailer pool. */
  smtpConnections: number;
  /** Messages of one batch or mailing in flight at a time. Default: that of the plugin. */
  concurrency?: number;
  /** Default: that of the plugin. */
  maxInDoubt?: number;
  /** Default: false. */
  bulkSmtp?: boolean;
  /** Folder of the journal. Default: none is kept. */
  journalDir?: string;
}

/** A host with the minimum for sending. Options that are not in its settings have the plugin's defaults. */
@Module({})
export class MailingHostModule {
  static with(settings: MailingHostSettings): DynamicModule {
    return {
      module: MailingHostModule,
      imports: [
        TypeOrmModule.forRoot({
          ...dataSourceOptionsOf(settings.databaseUrl),
          // As docs/performance.md advises: mysql2 takes a stack trace of each statement otherwise.
          extra: { trace: false },
          autoLoadEntities: true,
          migrations: mailingMigrations,
          migrationsRun: true,
        }),
        MailerModule.forRoot({
          transport: { url: settings.smtpUrl, pool: true, maxConnections: settings.smtpConnections },
        }),
        MailingModule.forRoot({
          isGlobal: true,
          templates: { dir: TEMPLATE_FOLDER },
          uniqServerId: settings.serverId,
          bulkSmtp: settings.bulkSmtp ?? false,
          enabledAsTemplateMailServer: settings.takesBatches,
          journal: settings.journalDir === undefined ? false : { dir: settings.journalDir },
          run: { concurrency: settings.concurrency, maxInDoubt: settings.maxInDoubt },
        }),
      ],
    };
  }
}
