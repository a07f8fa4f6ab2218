import { setTimeout as delay } from 'node:timers/promises';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MailingHealth, TemplateEmailSender } from 'nestjs-mailing';
import { attachments, FROM, HTML_TEMPLATE, PARAMS, SUBJECT, TEXT_TEMPLATE } from './letter.js';
import { type MailingHostSettings, MailingHostModule } from './mailing-host.module.js';

/** The mailing that the plugin sends. */
export const LETTER = {
  name: 'Bench',
  templateUrl: HTML_TEMPLATE,
  altTemplateUrl: TEXT_TEMPLATE,
  subject: SUBJECT,
  from: FROM,
  params: PARAMS,
  attachments: attachments(),
};

/** A host in this process. */
export interface MailingHost {
  app: INestApplicationContext;
  sender: TemplateEmailSender;
  /** When the application had started, in milliseconds of the epoch. */
  bootedAtMs: number;
}

/** Starts it. Resolves when its server is registered, and so may send. */
export async function openMailingHost(settings: MailingHostSettings): Promise<MailingHost> {
  const app = await NestFactory.createApplicationContext(MailingHostModule.with(settings), {
    logger: ['error', 'fatal'],
    abortOnError: false,
  });
  const bootedAtMs = performance.timeOrigin + performance.now();
  app.enableShutdownHooks();
  const health = app.get(MailingHealth, { strict: false });
  while ((await health.check()).server.state !== 'member') await delay(20);
  return { app, sender: app.get(TemplateEmailSender, { strict: false }), bootedAtMs };
}
