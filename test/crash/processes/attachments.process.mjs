// A host that sends one mailing with attachments, at SEND=yes, and otherwise resumes what is left. RESUME is the id of a mailing
// that it resumes. A test kills it.
import { MailerModule } from '@nestjs-modules/mailer';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MailingModule, TemplateEmailSender } from '../../../dist/libs/mailing/src/index.js';
import { dataSourceOptionsOf } from '../../../dist/src/database/data-source.options.js';

const { env } = process;

class Root {}
Module({
  imports: [
    TypeOrmModule.forRoot({ ...dataSourceOptionsOf(env.DATABASE_URL), autoLoadEntities: true }),
    MailerModule.forRoot({ transport: { url: env.SMTP_URL, pool: true, maxConnections: 5 } }),
    MailingModule.forRoot({
      templates: { dir: env.TEMPLATE_DIR },
      uniqServerId: 'shop:1',
      run: { concurrency: 5 },
      server: { heartbeatIntervalMs: 100, leaseMs: 60_000 },
      attachments: { store: JSON.parse(env.STORE) },
    }),
  ],
})(Root);

const app = await NestFactory.createApplicationContext(Root, { logger: ['error'] });
const sender = app.get(TemplateEmailSender, { strict: false });
if (env.SEND === 'yes') {
  const info = {
    templateUrl: 'letter.hbs',
    subject: 'Hello',
    from: 'news@shop.example',
    attachments: JSON.parse(env.ATTACHMENTS),
  };
  const list = Array.from({ length: Number(env.RECIPIENTS) }, (_, n) => `reader${n}@home.example`);
  await sender.sendEmailMessage(info, list, { persist: true });
}
if (env.RESUME) await sender.resume(env.RESUME);
setInterval(() => undefined, 60_000);
