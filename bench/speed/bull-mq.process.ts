import { Queue, Worker } from 'bullmq';
import { answerParent, cpuMs } from '../answer-parent.js';
import { BareMailer } from './bare-mailer.js';
import type { ContenderAnswers, ContenderSettings } from './contender.js';
import { type Reader, readers } from '../letter.js';

const QUEUE = 'letters';
/** Jobs of one `addBulk`. */
const CHUNK = 1_000;
/** Its documentation names 100 to 300 for jobs that wait for a server. More than the connections, so that the pool never waits for Redis. */
const LEAST_CONCURRENCY = 100;

const { smtpUrl, smtpConnections, storeUrl } = JSON.parse(process.argv[2]) as ContenderSettings;
const mailer = await BareMailer.create(smtpUrl, smtpConnections);
const connection = { url: storeUrl, maxRetriesPerRequest: null };
const queue = new Queue<Reader>(QUEUE, { connection, defaultJobOptions: { removeOnComplete: true } });
let expected = 0;

answerParent<ContenderAnswers>({
  prepare: async ({ recipients }) => {
    expected = recipients;
    let jobs: { name: string; data: Reader }[] = [];
    for (const data of readers(recipients)) {
      jobs.push({ name: 'letter', data });
      if (jobs.length === CHUNK) await queue.addBulk(jobs.splice(0));
    }
    await queue.addBulk(jobs);
  },
  send: async () => {
    const start = performance.now();
    let done = 0;
    const worker = new Worker<Reader>(QUEUE, ({ data }) => mailer.send(data), {
      connection,
      concurrency: Math.max(LEAST_CONCURRENCY, 2 * smtpConnections),
    });
    await new Promise<void>((resolve, reject) => {
      worker.on('completed', () => ++done === expected && resolve());
      worker.on('failed', (_job, error) => reject(error));
    });
    return (performance.now() - start) / 1_000;
  },
  cpuMs,
});
