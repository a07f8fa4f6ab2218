// A host that sends one mailing with attachments, at SEND=yes, and otherwise resumes what is left. RESUME is the id of a mailing
// that it resumes. A test kills it.
import { NestFactory } from '@nestjs/core';
import { TemplateEmailSender } from '../../../dist/libs/mailing/src/index.js';
import { hostWith } from './mortal-host.mjs';

const { env } = process;

const Root = hostWith(
  {
    uniqServerId: 'shop:1',
    run: { concurrency: 5 },
    server: { heartbeatIntervalMs: 100, leaseMs: 60_000 },
    attachments: { store: JSON.parse(env.STORE) },
    messageHeaders: ({ idx }) => ({ 'X-Reader': `${idx}` }),
    recipientAttachments: {
      own: async ({ email }) => [{ filename: 'own.txt', content: `For ${email} alone` }],
    },
  },
  5,
);

const app = await NestFactory.createApplicationContext(Root, { logger: ['error'] });
const sender = app.get(TemplateEmailSender, { strict: false });
if (env.SEND === 'yes') {
  const info = {
    templateUrl: 'letter.hbs',
    subject: 'Hello',
    from: 'news@shop.example',
    attachments: JSON.parse(env.ATTACHMENTS),
    recipientAttachments: 'own',
    headers: { 'X-Address': '{{email}}' },
  };
  const list = Array.from({ length: Number(env.RECIPIENTS) }, (_, n) => `reader${n}@home.example`);
  await sender.sendEmailMessage(info, list, { persist: true });
}
if (env.RESUME) await sender.resume(env.RESUME);
setInterval(() => undefined, 60_000);
