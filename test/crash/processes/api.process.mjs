// A host that sends one mailing by an HTTP API, at SEND=yes, and otherwise resumes what is left. A test kills it.
import { NestFactory } from '@nestjs/core';
import { ApiMessageSender, ApiSendError, TemplateEmailSender } from '../../../dist/libs/mailing/src/index.js';
import { hostWith } from './mortal-host.mjs';

const { env } = process;

class PostSender extends ApiMessageSender {
  constructor() {
    super({
      send: async ({ to, messageId }, { idempotencyKey, signal }) => {
        const response = await fetch(env.API_URL, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', 'Idempotency-Key': idempotencyKey },
          body: JSON.stringify({ to: to.address, messageId }),
          signal,
        });
        if (!response.ok) throw await ApiSendError.from(response);
      },
    });
  }
}

const Root = hostWith(
  {
    uniqServerId: 'shop:1',
    messageSender: PostSender,
    inDoubt: 'resend',
    run: { concurrency: 5 },
    retry: { initialDelayMs: 20, maxDelayMs: 40 },
    server: { heartbeatIntervalMs: 100, leaseMs: 60_000 },
  },
  5,
);

const app = await NestFactory.createApplicationContext(Root, { logger: ['error'] });
if (env.SEND === 'yes') {
  const info = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };
  const list = Array.from({ length: Number(env.RECIPIENTS) }, (_, n) => `reader${n}@home.example`);
  const sender = app.get(TemplateEmailSender, { strict: false });
  await sender.sendEmailMessage(info, list, { persist: true });
}
setInterval(() => undefined, 60_000);
