import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MailerModule } from '@nestjs-modules/mailer';
import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import { TypeOrmModule, type TypeOrmModuleOptions } from '@nestjs/typeorm';
import {
  MailingModule,
  type MailingModuleExtras,
  type MailingModuleOptions,
  TemplateEmailSender,
} from 'nestjs-mailing';
import { expect } from 'vitest';
import { dataSourceOptionsOf } from '../../src/database/data-source.options.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';

/** The modules that a host application consists of, with everything they need. */
export interface Host {
  readonly database: FreshDatabase;
  readonly inbox: SmtpInbox;
  readonly templates: { dir: string };
  readonly info: { templateUrl: string; subject: string; from: string };
  dataSource(more?: object): DynamicModule;
  mailer(): DynamicModule;
  mailing(more?: Partial<MailingModuleOptions> & MailingModuleExtras): DynamicModule;
  /** Sends one message and expects it in the inbox. */
  sends(app: INestApplicationContext): Promise<void>;
  dispose(): Promise<void>;
}

export async function startHost(): Promise<Host> {
  const database = await freshDatabase('sqlite');
  const inbox = await SmtpInbox.start();
  const templates = { dir: await mkdtemp(join(tmpdir(), 'mailing-templates-')) };
  await writeFile(join(templates.dir, 'letter.hbs'), 'Dear {{name}}');
  const info = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };
  return {
    database,
    inbox,
    templates,
    info,
    dataSource: (more) =>
      TypeOrmModule.forRoot({
        ...dataSourceOptionsOf(database.url),
        autoLoadEntities: true,
        retryAttempts: 0,
        ...more,
      } as TypeOrmModuleOptions),
    mailer: () => MailerModule.forRoot({ transport: { url: inbox.url, pool: true } }),
    mailing: (more) => MailingModule.forRoot({ templates, ...more }),
    sends: async (app) => {
      const before = inbox.messages.length;
      const sender = app.get(TemplateEmailSender, { strict: false });
      const { completed } = await sender.sendEmailMessage(info, ['ann@home.example'], true, true);
      expect(await completed).toMatchObject({ status: 'completed', numSent: 1 });
      expect(inbox.messages).toHaveLength(before + 1);
    },
    dispose: async () => {
      await rm(templates.dir, { recursive: true, force: true });
      await inbox.close();
      await database.dispose();
    },
  };
}
