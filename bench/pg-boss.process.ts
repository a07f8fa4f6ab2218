import PgBoss from 'pg-boss';
import { answerParent, cpuMs } from './answer-parent.js';
import { BareMailer } from './bare-mailer.js';
import type { ContenderAnswers, ContenderSettings } from './contender.js';
import { type Reader, readers } from './letter.js';

const QUEUE = 'letters';
/** Jobs of one insert. */
const CHUNK = 1_000;
/** Jobs of one look, and workers that look, so that the pool never waits for one of them. */
const BATCH_SIZE = 100;
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
      const options = { batchSize: BATCH_SIZE, pollingIntervalSeconds: 0.5 };
      const work = async (jobs: PgBoss.Job<Reader>[]): Promise<void> => {
        await Promise.all(jobs.map(({ data }) => mailer.send(data)));
        // The jobs are completed after this returns; the last of them are not waited for.
        done += jobs.length;
        if (done >= expected) resolve();
      };
      for (let n = 0; n < WORKERS; n++) boss.work<Reader>(QUEUE, options, work).catch(reject);
    });
    return (performance.now() - start) / 1_000;
  },
  cpuMs,
});
