// The whole life of two mailings in one process: stored, claimed, sent, paused, resumed, shut down in order, resumed again,
// completed, retried, settled; and a second one canceled. Each step is done only if it was not done before, so after a kill
// anywhere the next process continues the same life. The last step done is kept in a file. With BATCH_SIZE both mailings are
// batched, and the process takes the batches itself.
//
// MAILING_DIE_AT and MAILING_DIE_ON name the fault point, and the number of its visit, at which this process kills itself.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { MailingQuery, TemplateEmailSender } from '../../../dist/libs/mailing/src/index.js';
import { dieAtFaultPoint, hostWith } from './mortal-host.mjs';

const env = process.env;
const RECIPIENTS = Number(env.RECIPIENTS);
const BATCH_SIZE = Number(env.BATCH_SIZE);
const IN_BATCHES = {
  enabledAsTemplateMailServer: true,
  batch: {
    batchIfPossible: true,
    emailsPerBatch: BATCH_SIZE,
    numBatchThreads: Number(env.BATCH_THREADS),
    pollIntervalMs: 20,
  },
};
const INFO = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };
const people = (mailing) => Array.from({ length: RECIPIENTS }, (_, n) => `${mailing}${n}@home.example`);

dieAtFaultPoint();

const Root = hostWith(
  {
    bulkSmtp: env.BULK_SMTP === 'yes',
    uniqServerId: env.SERVER_ID,
    migrationList: ['*'],
    inDoubt: (recipients) => recipients.map(() => 'leave'),
    run: { concurrency: Number(env.CONCURRENCY), maxInDoubt: Number(env.MAX_IN_DOUBT) },
    retry: { initialDelayMs: 20 },
    ...(env.JOURNAL_DIR ? { journal: { dir: env.JOURNAL_DIR } } : {}),
    errorGuard: { sampleSize: 0 },
    server: { heartbeatIntervalMs: 50, leaseMs: 60_000 },
    ...(BATCH_SIZE > 0 ? IN_BATCHES : {}),
  },
  2,
);

let app, sender, query;
async function boot() {
  app = await NestFactory.createApplicationContext(Root, { logger: ['error'] });
  sender = app.get(TemplateEmailSender, { strict: false });
  query = app.get(MailingQuery, { strict: false });
}

async function send(mailing) {
  const options = { persist: true, idempotencyKey: mailing };
  return (await sender.sendEmailMessage(INFO, people(mailing), options)).mailingId;
}

async function until(mailingId, condition) {
  for (;;) {
    const mailing = await query.get(mailingId);
    if (condition(mailing)) return mailing;
    await sleep(5);
  }
}

const settled = ({ numSent, numErrors, numSkipped }) => numSent + numErrors + numSkipped;
const isCompleted = ({ status }) => status === 'completed';

await boot();
const [first, second] = [await send('reader'), await send('guest')];
const steps = {
  paused: async () => {
    await until(first, (mailing) => settled(mailing) >= 4);
    await sender.pause(first);
    await until(first, ({ status }) => status === 'paused' || status === 'completed');
  },
  resumed: () => sender.resume(first),
  restarted: async () => {
    await until(first, (mailing) => settled(mailing) >= 8);
    await app.close();
    await boot();
  },
  canceled: async () => {
    await sender.cancel(second);
    await until(second, ({ status }) => status === 'canceled' || status === 'completed');
  },
  completed: () => until(first, isCompleted),
  retried: () => sender.retry(first, 'errors'),
  completedAgain: () => until(first, isCompleted),
  settled: () => sender.settleInDoubt(first, 'error'),
};
const done = existsSync(env.DONE_FILE) ? readFileSync(env.DONE_FILE, 'utf8').split('\n') : [];
for (const [name, step] of Object.entries(steps)) {
  if (done.includes(name)) continue;
  await step();
  done.push(name);
  writeFileSync(env.DONE_FILE, done.join('\n'));
}
await app.close();
