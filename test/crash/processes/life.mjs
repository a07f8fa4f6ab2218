// The whole life of two mailings: stored, claimed, sent, paused, resumed, shut down in order, resumed again, completed, retried,
// settled; and a second one canceled and continued. Each step is done only if it was not done before, so after a kill anywhere the next
// process continues the same life. The last step done is kept in a file. With BATCH_SIZE both mailings are batched, and the
// process takes the batches itself.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { MailingQuery, TemplateEmailSender } from '../../../dist/libs/mailing/src/index.js';
import { hostWith } from './mortal-host.mjs';

const INFO = { templateUrl: 'letter.hbs', subject: 'Hello', from: 'news@shop.example' };

/** Continues the life that the environment variables of this process describe, to its end. */
export async function live() {
  const { env } = process;
  const numRecipients = Number(env.RECIPIENTS);
  const Root = rootOf(env);
  const people = (mailing) => Array.from({ length: numRecipients }, (_, n) => `${mailing}${n}@home.example`);
  let app, sender, query;
  const boot = async () => {
    app = await NestFactory.createApplicationContext(Root, { logger: ['error'] });
    sender = app.get(TemplateEmailSender, { strict: false });
    query = app.get(MailingQuery, { strict: false });
  };
  const send = async (mailing) => {
    const options = { persist: true, idempotencyKey: mailing };
    return (await sender.sendEmailMessage(INFO, people(mailing), options)).mailingId;
  };
  const until = async (mailingId, condition) => {
    while (!condition(await query.get(mailingId))) await sleep(5);
  };
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
    continued: async () => {
      await sender.continueMailing(second);
      await until(second, isCompleted);
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
}

const settled = ({ numSent, numErrors, numSkipped }) => numSent + numErrors + numSkipped;
const isCompleted = ({ status }) => status === 'completed';

function rootOf(env) {
  const batchSize = Number(env.BATCH_SIZE);
  return hostWith(
    {
      bulkSmtp: env.BULK_SMTP === 'yes',
      uniqServerId: env.SERVER_ID,
      migrationList: ['*'],
      inDoubt: (recipients) => recipients.map(() => 'leave'),
      run: { concurrency: Number(env.CONCURRENCY), maxInDoubt: Number(env.MAX_IN_DOUBT) },
      retry: { initialDelayMs: 20 },
      ...(env.JOURNAL === '' ? {} : { journal: env.JOURNAL === 'off' ? false : { dir: env.JOURNAL } }),
      errorGuard: { sampleSize: 0 },
      server: { heartbeatIntervalMs: 50, leaseMs: 60_000 },
      ...(batchSize > 0 ? takingBatches(batchSize, Number(env.BATCH_THREADS)) : {}),
    },
    2,
  );
}

function takingBatches(emailsPerBatch, numBatchThreads) {
  return {
    enabledAsTemplateMailServer: true,
    batch: { batchIfPossible: true, emailsPerBatch, numBatchThreads, pollIntervalMs: 20 },
  };
}
