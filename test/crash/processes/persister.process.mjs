// Two mailings through a persister of the host, in a process that kills itself at the visit MAILING_DIE_ON of the fault point MAILING_DIE_AT. The
// persister says on standard output what it writes and reads, and refuses a mailing of one name. The next process completes the other mailing.
import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { MailingQuery, TemplateEmailPersister, TemplateEmailSender } from '../../../dist/libs/mailing/src/index.js';
import { dieAtFaultPoint, hostWith } from './mortal-host.mjs';

const { env } = process;

dieAtFaultPoint();

class AuditedPersister extends TemplateEmailPersister {
  async createMailing(info, ...rest) {
    if (info.name === 'refused') throw new Error('No mailing has that name here.');
    const mailingId = await super.createMailing(info, ...rest);
    console.log(`created ${mailingId}`);
    return mailingId;
  }

  async readMailing(mailingId) {
    console.log(`read ${mailingId}`);
    return super.readMailing(mailingId);
  }
}
Reflect.defineMetadata('design:paramtypes', [TemplateEmailPersister], AuditedPersister);

const Root = hostWith(
  {
    uniqServerId: 'test:1',
    templateEmailPersister: AuditedPersister,
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
const list = Array.from({ length: Number(env.RECIPIENTS) }, (_, n) => `reader${n}@home.example`);
await sender.sendEmailMessage({ ...info, name: 'refused' }, list, {}).then(
  () => console.log('accepted what was to be refused'),
  (error) => console.log(`refused: ${error.message}`),
);
const { mailingId } = await sender.sendEmailMessage(info, list, { idempotencyKey: 'one' });
while ((await query.get(mailingId)).status !== 'completed') await sleep(5);
await app.close();
