import PgBoss from 'pg-boss';
import { answerParent, cpuMs } from '../answer-parent.js';
import { BareMailer } from './bare-mailer.js';
import type { ContenderAnswers, ContenderSettings } from './contender.js';
import { type Reader, readers } from '../letter.js';

const QUEUE = 'letters';
/** Jobs of one insert. */
const CHUNK = 1_000;
/**
 * As its documentation advises for throughput: jobs in batches, by several workers, without priorities. Each worker fetches the
 * next batch as soon as it has finished one (`notifyWorker`), and the others keep the pool busy meanwhile, so no worker with jobs
 * waits for the polling interval of at least 0.5 s.
 */
const BATCH_SIZE = 500;
const WORKERS = 4;

const { smtpUrl, smtpConnections, storeUrl } = JSON.parse(process.argv[2]) as ContenderSettings;
const mailer = await BareMailer.create(smtpUrl, smtpConnections);
const boss = new PgBoss({ connectionString: storeUrl, max: 10 });
boss.on('error', (error) => process.stderr.write(`${error.stack}\n`));
await boss.start();
await boss.createQueue(QUEUE);
let expected = 0;

answerParent<ContenderAnswers>({
  prepare: async ({ recipients }) => {
    expected = recipients;
    let jobs: PgBoss.JobInsert<Reader>[] = [];
    for (const data of readers(recipients)) {
      jobs.push({ name: QUEUE, data });
      if (jobs.length === CHUNK) await boss.insert(jobs.splice(0));
    }
    if (jobs.length > 0) await boss.insert(jobs);
  },
  send: async () => {
    const start = performance.now();
    let done = 0;
    await new Promise<void>((resolve, reject) => {
      const options = { batchSize: BATCH_SIZE, pollingIntervalSeconds: 0.5, priority: false };
      const takePart = async (): Promise<void> => {
        const id: string = await boss.work<Reader>(QUEUE, options, async (jobs) => {
          await Promise.all(jobs.map(({ data }) => mailer.send(data)));
          // The jobs are completed after this returns; the bench does not wait for the last of them.
          done += jobs.length;
          if (done >= expected) resolve();
          boss.notifyWorker(id);
        });
      };
      for (let n = 0; n < WORKERS; n++) takePart().catch(reject);
    });
    return (performance.now() - start) / 1_000;
  },
  cpuMs,
});
