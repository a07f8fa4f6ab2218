// One mailing to profiles that share addresses, in a process that kills itself at the visit MAILING_DIE_ON of the fault point
// MAILING_DIE_AT. The next process finds the mailing by its key and completes it.
import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { MailingQuery, TemplateEmailSender } from '../../../dist/libs/mailing/src/index.js';
import { dieAtFaultPoint, hostWith } from './mortal-host.mjs';

const env = process.env;
const ADDRESSES = Number(env.ADDRESSES);

dieAtFaultPoint();

/** Profile 7 of 5 addresses has that of profile 2. */
class Profiles {
  async findByIds(ids) {
    return new Map(ids.map((id) => [id, { email: `reader${Number(id) % ADDRESSES}@home.example` }]));
  }
}

const Root = hostWith(
  {
    uniqServerId: 'test:1',
    profileRepository: Profiles,
    enabledAsTemplateMailServer: true,
    run: { concurrency: 2, maxInDoubt: Number(env.MAX_IN_DOUBT) },
    batch: { numBatchThreads: 2, pollIntervalMs: 20 },
    server: { heartbeatIntervalMs: 50, leaseMs: 60_000 },
  },
  2,
);

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
