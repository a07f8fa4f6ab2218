// The newsletter service as one of several servers that share its mailings: every newsletter is batched, and this process takes
// batches if TAKES_BATCHES is set.
import 'reflect-metadata';
import { fileURLToPath } from 'node:url';
import { MailerModule } from '@nestjs-modules/mailer';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MailingModule } from '../../../dist/libs/mailing/src/index.js';
import { readConfiguration } from '../../../dist/src/configuration/host-configuration.js';
import { dataSourceOptionsOf } from '../../../dist/src/database/data-source.options.js';
import { NewsletterModule } from '../../../dist/src/newsletter/newsletter.module.js';
import { reportToParent } from '../../../dist/src/report-to-parent.js';

const { env } = process;
const configuration = readConfiguration(env);
const numBatchThreads = Number(env.BATCH_THREADS);
const concurrency = configuration.MAILING_CONCURRENCY;

class Root {}
Module({
  imports: [
    TypeOrmModule.forRoot({ ...dataSourceOptionsOf(configuration.DATABASE_URL), autoLoadEntities: true }),
    MailerModule.forRoot({
      transport: { url: configuration.SMTP_URL, pool: true, maxConnections: concurrency * numBatchThreads },
    }),
    MailingModule.forRoot({
      isGlobal: true,
      templates: { dir: fileURLToPath(new URL('../../../dist/src/newsletter/templates', import.meta.url)) },
      uniqServerId: configuration.MAILING_SERVER_ID,
      bulkSmtp: configuration.MAILING_BULK_SMTP,
      enabledAsTemplateMailServer: env.TAKES_BATCHES === 'yes',
      run: { concurrency, maxInDoubt: configuration.MAILING_MAX_IN_DOUBT },
      ...(configuration.MAILING_JOURNAL_DIR === 'off' ? { journal: false } : {}),
      batch: {
        batchIfPossible: true,
        emailsPerBatch: Number(env.BATCH_SIZE),
        numBatchThreads,
        pollIntervalMs: 100,
      },
      server: {
        heartbeatIntervalMs: configuration.MAILING_HEARTBEAT_INTERVAL_MS,
        leaseMs: configuration.MAILING_LEASE_MS,
        idleTransactionTimeoutMs: configuration.MAILING_IDLE_TRANSACTION_TIMEOUT_MS,
      },
    }),
    NewsletterModule.with({
      maxBytes: configuration.NEWSLETTER_MAX_UPLOAD_BYTES,
      maxRows: configuration.NEWSLETTER_MAX_UPLOAD_ROWS,
    }),
  ],
})(Root);

const app = await NestFactory.create(Root, { logger: ['warn', 'error', 'fatal'] });
app.enableShutdownHooks();
reportToParent(app);
await app.listen(0, '127.0.0.1');
process.send?.({ name: 'listening', facts: { url: await app.getUrl() } });
