// A host that sends one mailing with slots, at SEND=yes, and otherwise resumes what is left. Then it defines no slot, because a
// server that takes a mailing over may not know any. A test kills it.
import { NestFactory } from '@nestjs/core';
import { SlotService, TemplateEmailSender } from '../../../dist/libs/mailing/src/index.js';
import { hostWith } from './mortal-host.mjs';

const { env } = process;
const COUNT = Number(env.RECIPIENTS);

class Profiles {
  async findByIds(ids) {
    return new Map(ids.map((id) => [id, { email: `${id}@home.example` }]));
  }
}

const Root = hostWith(
  {
    uniqServerId: 'shop:1',
    profileRepository: Profiles,
    run: { concurrency: 5 },
    server: { heartbeatIntervalMs: 100, leaseMs: 60_000 },
  },
  5,
);

const app = await NestFactory.createApplicationContext(Root, { logger: ['error'] });
if (env.SEND === 'yes') {
  const slots = app.get(SlotService, { strict: false });
  slots.define('promotion', { persistent: true });
  const own = Array.from({ length: COUNT / 2 }, (_, n) => ({
    userId: `c${n * 2}`,
    content: [{ title: `Only for c${n * 2}` }],
  }));
  // Settled by a process that only has the stored contents.
  const unstorable = { userId: `c${COUNT - 1}`, content: 1n };
  const info = {
    templateUrl: 'letter.hbs',
    subject: 'Hello',
    from: 'news@shop.example',
    slots: slots
      .fill('promotion', [{ title: 'Half price' }, { title: 'Free cake' }])
      .fillEach('promotion', [...own, unstorable]),
  };
  const list = Array.from({ length: COUNT }, (_, n) => ({ userId: `c${n}` }));
  await app.get(TemplateEmailSender, { strict: false }).sendEmailMessage(info, list, { persist: true });
}
setInterval(() => undefined, 60_000);
