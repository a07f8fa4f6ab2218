// A host that handles one event by a scenario, and dies while it reads the list, at the entry that DIE_AT names, if any.
import 'reflect-metadata';
import { MailerModule } from '@nestjs-modules/mailer';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventEmitter2, EventEmitterModule } from '@nestjs/event-emitter';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MailingModule } from '../../../dist/libs/mailing/src/index.js';
import { MailingScenariosModule, Scenario, SendEmail } from '../../../dist/libs/scenarios/src/index.js';
import { dataSourceOptionsOf } from '../../../dist/src/database/data-source.options.js';

const { env } = process;

class Orders {
  *receipt({ count }) {
    for (let n = 0; n < count; n++) {
      if (n === Number(env.DIE_AT)) process.kill(process.pid, 'SIGKILL');
      yield `reader${n}@home.example`;
    }
  }
}
const options = {
  on: 'order.paid',
  template: 'letter.hbs',
  subject: 'Your receipt',
  from: 'shop@shop.example',
  maxBatchSize: 10,
  eventId: ({ id }) => id,
};
const descriptor = Object.getOwnPropertyDescriptor(Orders.prototype, 'receipt');
SendEmail(options)(Orders.prototype, 'receipt', descriptor);
Object.defineProperty(Orders.prototype, 'receipt', descriptor);
Scenario()(Orders);

class Root {}
Module({
  imports: [
    EventEmitterModule.forRoot(),
    TypeOrmModule.forRoot({ ...dataSourceOptionsOf(env.DATABASE_URL), autoLoadEntities: true }),
    MailerModule.forRoot({ transport: { url: env.SMTP_URL, pool: true } }),
    MailingModule.forRoot({
      templates: { dir: env.TEMPLATE_DIR },
      uniqServerId: 'shop:1',
      server: { heartbeatIntervalMs: 100, leaseMs: 60_000 },
    }),
    MailingScenariosModule.forRoot(),
  ],
  providers: [Orders],
})(Root);

const app = await NestFactory.createApplicationContext(Root, { logger: ['error'] });
await app.get(EventEmitter2).emitAsync('order.paid', { id: '4711', count: Number(env.RECIPIENTS) });
setInterval(() => undefined, 60_000);
