// One mailing to profiles that share addresses, in a process that kills itself at the visit MAILING_DIE_ON of the fault point
// MAILING_DIE_AT. The next process finds the mailing by its key and completes it.
import { setTimeout as sleep } from 'node:timers/promises';
import { MailerModule } from '@nestjs-modules/mailer';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MailingModule, MailingQuery, TemplateEmailSender } from '../../../dist/libs/mailing/src/index.js';
import { noFaultPoints } from '../../../dist/libs/mailing/src/model/ports/fault-points.js';
import { dataSourceOptionsOf } from '../../../dist/src/database/data-source.options.js';

const env = process.env;
const ADDRESSES = Number(env.ADDRESSES);

let visits = 0;
noFaultPoints.reach = (point) => {
  if (point === env.MAILING_DIE_AT && ++visits === Number(env.MAILING_DIE_ON)) {
    process.kill(process.pid, 'SIGKILL');
  }
};

/** Profile 7 of 5 addresses has that of profile 2. */
class Profiles {
  async findByIds(ids) {
    return new Map(ids.map((id) => [id, { email: `reader${Number(id) % ADDRESSES}@home.example` }]));
  }
}

class Root {}
Module({
  imports: [
    TypeOrmModule.forRoot({ ...dataSourceOptionsOf(env.DATABASE_URL), autoLoadEntities: true }),
    MailerModule.forRoot({ transport: { url: env.SMTP_URL, pool: true, maxConnections: 2 } }),
    MailingModule.forRoot({
      templates: { dir: env.TEMPLATE_DIR },
      uniqServerId: 'test:1',
      profileRepository: Profiles,
      enabledAsTemplateMailServer: true,
      run: { concurrency: 2, maxInDoubt: Number(env.MAX_IN_DOUBT) },
      batch: { numBatchThreads: 2, pollIntervalMs: 20 },
      server: { heartbeatIntervalMs: 50, leaseMs: 60_000 },
    }),
  ],
})(Root);

const app = await NestFactory.createApplicationContext(Root, { logger: ['error'] });
const sender = app.get(TemplateEmailSender, { strict: false });
const query = app.get(MailingQuery, { strict: false });
const info = {
  templateUrl: 'letter.hbs',
  subject: 'Hello',
  from: 'news@shop.example',
  batched: env.BATCHED === 'yes',
  batchSize: 6,
};
const list = Array.from({ length: Number(env.RECIPIENTS) }, (_, n) => ({ userId: String(n) }));
const { mailingId } = await sender.sendEmailMessage(info, list, { persist: true, idempotencyKey: 'one' });
while ((await query.get(mailingId)).status !== 'completed') await sleep(5);
await app.close();
