import { MailerModule } from '@nestjs-modules/mailer';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MailingModule, TemplateEmailSender } from '../../libs/mailing/src/index.js';
import { dataSourceOptionsOf } from '../../src/database/data-source.options.js';

/** A script of a host: boots, sends one message, closes, and does not call `process.exit`. */
const { DATABASE_URL = '', SMTP_URL = '', TEMPLATE_DIR = '', SERVER_ID, KEY } = process.env;

@Module({
  imports: [
    TypeOrmModule.forRoot({ ...dataSourceOptionsOf(DATABASE_URL), autoLoadEntities: true }),
    MailerModule.forRoot({ transport: { url: SMTP_URL, pool: true } }),
    MailingModule.forRoot({ templates: { dir: TEMPLATE_DIR }, uniqServerId: SERVER_ID }),
  ],
})
class Root {}

const app = await NestFactory.createApplicationContext(Root, { logger: ['error'] });
const info = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };
const sender = app.get(TemplateEmailSender, { strict: false });
const { completed, isRepeat } = await sender.sendEmailMessage(info, ['ann@home.example'], {
  idempotencyKey: KEY,
});
if (isRepeat) process.stdout.write('repeat\n');
const { status, numSent } = await completed;
await app.close();
process.stdout.write(`${status} ${numSent}\n`);
