import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { MailingHealth, TemplateEmailSender } from 'nestjs-mailing';
import { answerParent, cpuMs } from './answer-parent.js';
import { FROM, HTML_TEMPLATE, PARAMS, readers, SUBJECT, TEXT_TEMPLATE } from './letter.js';
import { type MailingHostSettings, MailingHostModule } from './mailing-host.module.js';

/** What the mailing is like. */
export interface MailingRequest {
  recipients: number;
  /** Null: sent by the server that is asked, and by no other. */
  batchSize: number | null;
  /** So long after now it may begin. */
  inMs: number;
}

/** What the parent of a host may ask. */
export interface MailingHostAnswers {
  /** Answers when the list is in the database. */
  send(request: MailingRequest): Promise<string>;
  /** Processor time of this process since its start. */
  cpuMs(): number;
}

const settings = JSON.parse(process.argv[2]) as MailingHostSettings;
const app = await NestFactory.createApplicationContext(MailingHostModule.with(settings), {
  logger: ['error', 'fatal'],
  abortOnError: false,
});
app.enableShutdownHooks();
const sender = app.get(TemplateEmailSender, { strict: false });
// Ready is who may work: registered among the servers.
const health = app.get(MailingHealth, { strict: false });
while ((await health.check()).server.standing !== 'member') await delay(20);

answerParent<MailingHostAnswers>({
  send: async ({ recipients, batchSize, inMs }) => {
    const handle = await sender.sendEmailMessage(
      {
        name: 'Bench',
        templateUrl: HTML_TEMPLATE,
        altTemplateUrl: TEXT_TEMPLATE,
        subject: SUBJECT,
        from: FROM,
        params: PARAMS,
        batched: batchSize !== null,
        ...(batchSize === null ? {} : { batchSize }),
      },
      readers(recipients),
      { persist: true, ...(inMs > 0 ? { sendAt: new Date(Date.now() + inMs) } : {}) },
    );
    return String(handle.mailingId);
  },
  cpuMs,
});
