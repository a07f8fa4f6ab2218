// A host that sends to an endless list: three readers, and then entries of the kind LIST for ever. It writes a line when the list
// is past its readers, and a line with the state of the mailing.
import { MailerModule } from '@nestjs-modules/mailer';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MailingModule, TemplateEmailSender } from '../../../dist/libs/mailing/src/index.js';
import { dataSourceOptionsOf } from '../../../dist/src/database/data-source.options.js';

const { env } = process;
const READERS = ['reader0@home.example', 'reader1@home.example', 'reader2@home.example'];
/** Some turns of the loop that reads the list. */
const PASSED = 2_000;

const say = (facts) => process.stdout.write(`${JSON.stringify(facts)}\n`);

function* endless(entry) {
  yield* READERS;
  for (let n = 0; ; n++) {
    if (n === PASSED) say({ isPassed: true });
    yield entry;
  }
}

async function* silent() {
  yield* READERS;
  say({ isPassed: true });
  await new Promise(() => undefined);
}

const LISTS = {
  invalid: () => endless('nonsense'),
  duplicates: () => endless(READERS[0]),
  silent,
};

class Root {}
Module({
  imports: [
    TypeOrmModule.forRoot({ ...dataSourceOptionsOf(env.DATABASE_URL), autoLoadEntities: true }),
    MailerModule.forRoot({ transport: { url: env.SMTP_URL, pool: true } }),
    MailingModule.forRoot({
      templates: { dir: env.TEMPLATE_DIR },
      uniqServerId: 'test:1',
      // Longer than the test waits, because an end by this timeout would not be orderly.
      server: { heartbeatIntervalMs: 100, leaseMs: 60_000, shutdownTimeoutMs: 120_000 },
    }),
  ],
})(Root);

const app = await NestFactory.createApplicationContext(Root, { logger: ['error'] });
app.enableShutdownHooks();
// Keeps the process alive, as a web server would.
setInterval(() => undefined, 60_000);
const info = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };
try {
  const sender = app.get(TemplateEmailSender, { strict: false });
  const { completed } = await sender.sendEmailMessage(info, LISTS[env.LIST](), {
    persist: env.PERSIST === 'yes',
  });
  const { status, statusReason, numSent } = await completed;
  say({ status, statusReason, numSent });
} catch ({ code, message }) {
  say({ code, message });
}
