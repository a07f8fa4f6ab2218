// Two mailings through a persister of the host, in a process that kills itself at the visit MAILING_DIE_ON of the fault point MAILING_DIE_AT. The
// persister writes an audit line in the transaction of each mailing, and one for each mailing that is read; it refuses a mailing of one name. The next
// process completes the other mailing.
import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { DataSource } from 'typeorm';
import {
  MailingQuery,
  TemplateEmailPersister,
  TemplateEmailSender,
} from '../../../dist/libs/mailing/src/index.js';
import { dieAtFaultPoint, hostWith } from './mortal-host.mjs';

const { env } = process;

dieAtFaultPoint();

class AuditedPersister extends TemplateEmailPersister {
  constructor(stored, dataSource) {
    super(stored);
    this.dataSource = dataSource;
  }

  async createMailing(info, uniqServerId, claimToken, terms, content) {
    if (info.name === 'refused') throw new Error('No mailing has that name here.');
    return this.dataSource.transaction((manager) =>
      this.inside(manager, async (transaction) => {
        const mailingId = await super.createMailing(
          info,
          uniqServerId,
          claimToken,
          terms,
          content,
          transaction,
        );
        if (mailingId) await this.write(manager, mailingId, 'created');
        return mailingId;
      }),
    );
  }

  async readMailing(mailingId) {
    await this.write(this.dataSource.manager, mailingId, 'read');
    return super.readMailing(mailingId);
  }

  write(manager, mailingId, what) {
    return manager.query(`INSERT INTO audit_line (mailing_id, what) VALUES ('${mailingId}', '${what}')`);
  }
}
Reflect.defineMetadata('design:paramtypes', [TemplateEmailPersister, DataSource], AuditedPersister);

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
const outcome = await sender.sendEmailMessage({ ...info, name: 'refused' }, list, {}).catch((error) => error);
if (outcome?.message !== 'No mailing has that name here.') process.exit(2);
const { mailingId } = await sender.sendEmailMessage(info, list, { idempotencyKey: 'one' });
while ((await query.get(mailingId)).status !== 'completed') await sleep(5);
await app.close();
