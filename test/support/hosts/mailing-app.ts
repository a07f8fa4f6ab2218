import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MailerModule, type MailerOptions } from '@nestjs-modules/mailer';
import { type DynamicModule, type INestApplication, Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  MailingEvents,
  MailingHealth,
  type MailingModuleOptions,
  MailingModule,
  MailingQuery,
  mailingMigrations,
  TemplateEmailRestarter,
  TemplateEmailSender,
  type TemplateHelper,
  type TemplateOptions,
} from 'nestjs-mailing';
import { dataSourceOptionsOf } from '../../../src/database/data-source.options.js';

export interface MailingAppOptions {
  databaseUrl: string;
  smtpUrl: string;
  /** Template files by name; default `letter.hbs`. */
  templates?: Record<string, string>;
  /** Of the templates. */
  helpers?: Record<string, TemplateHelper>;
  /** More options of the templates. */
  templateOptions?: Partial<TemplateOptions>;
  mailing?: Partial<MailingModuleOptions>;
  /** Over the options of the data source, for example `{ extra: { connectionLimit: 1 } }`. */
  dataSource?: object;
  /** Over the options of the transport, for example `{ dkim: … }`. */
  transport?: object;
  /** More options of the mailer, for example its template adapter. */
  mailer?: Partial<MailerOptions>;
  /** The host does not import the mailer. */
  withoutMailer?: boolean;
  /** More modules of the host. */
  imports?: DynamicModule[];
}

/** A host application in this process, with its own template folder. */
export interface MailingApp extends AsyncDisposable {
  nest: INestApplication;
  sender: TemplateEmailSender;
  restarter: TemplateEmailRestarter;
  query: MailingQuery;
  health: MailingHealth;
  events: MailingEvents;
  templateDir: string;
  /** Shuts the application down in an orderly way. */
  close(): Promise<void>;
}

/**
 * Two applications in this process share a file: one that waits for the other's transaction blocks the process, and with it that transaction, until it
 * gives up.
 */
const SQLITE = { timeout: 50 };

export const LETTER = '<p>Dear {{name}} &lt;{{email}}&gt;</p>';

function mailerOf({ smtpUrl, transport, mailer }: MailingAppOptions): DynamicModule {
  return MailerModule.forRoot({
    transport: { url: smtpUrl, pool: true, maxConnections: 10, ...transport },
    ...mailer,
  });
}

/** Boots a host application: real data source, real mailer, real plugin. */
export async function mailingApp(options: MailingAppOptions): Promise<MailingApp> {
  const templateDir = await mkdtemp(join(tmpdir(), 'mailing-templates-'));
  for (const [name, source] of Object.entries(options.templates ?? { 'letter.hbs': LETTER })) {
    await writeFile(join(templateDir, name), source);
  }
  Logger.overrideLogger(['fatal']);
  const testing = await Test.createTestingModule({
    imports: [
      ...(options.imports ?? []),
      TypeOrmModule.forRoot({
        ...dataSourceOptionsOf(options.databaseUrl),
        ...(options.databaseUrl.startsWith('sqlite:') ? SQLITE : {}),
        autoLoadEntities: true,
        migrations: mailingMigrations,
        ...options.dataSource,
      }),
      ...(options.withoutMailer ? [] : [mailerOf(options)]),
      MailingModule.forRoot({
        templates: { dir: templateDir, helpers: options.helpers, ...options.templateOptions },
        uniqServerId: 'test:1',
        ...options.mailing,
        server: {
          // A row of a server that a test deletes counts as lost at once, not as unknown to a database node that lags.
          databaseLagTimeoutMs: 0,
          ...(options.mailing?.server ?? { heartbeatIntervalMs: 100, leaseMs: 3_000 }),
        },
      }),
    ],
  }).compile();
  const nest = testing.createNestApplication();
  await nest.init();
  const close = async (): Promise<void> => {
    await nest.close();
    await rm(templateDir, { recursive: true, force: true });
  };
  return {
    nest,
    sender: nest.get(TemplateEmailSender),
    restarter: nest.get(TemplateEmailRestarter),
    query: nest.get(MailingQuery),
    health: nest.get(MailingHealth),
    events: nest.get(MailingEvents),
    templateDir,
    close,
    [Symbol.asyncDispose]: close,
  };
}
