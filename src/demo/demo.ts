import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { EmbeddedInbox } from '../inbox/embedded-inbox.js';
import { type DemoOptions, DemoUsageError, parseDemoOptions } from './demo.options.js';
import { writeRecipients } from './demo-recipients.js';
import { DemoRun } from './demo.run.js';
import { DemoView } from './demo.view.js';
import { seededRandom } from './seeded-random.js';
import { judge, promiseHeld } from './verdict.js';

const CONCURRENCY = 5;
/** The plugin's default for this concurrency. */
const MAX_IN_DOUBT = 2 * CONCURRENCY;

/** @returns whether the promise held. */
async function demo(options: DemoOptions): Promise<boolean> {
  const folder = resolve('demo-output', `run-${process.pid}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const databaseUrl = options.databaseUrl ?? `sqlite:${join(folder, 'mailing.sqlite')}`;
  const csv = join(folder, 'recipients.csv');
  await writeRecipients(csv, options.recipients);
  const inbox = options.smtpUrl ? null : await EmbeddedInbox.start();
  const view = new DemoView();
  view.line(`${options.recipients} recipients, ${options.kills} kills, seed ${options.seed}`);

  const run = new DemoRun({
    env: {
      PORT: '0',
      DATABASE_URL: databaseUrl,
      SMTP_URL: options.smtpUrl ?? (inbox as EmbeddedInbox).url,
      MAILING_SERVER_ID: `demo-${process.pid}`,
      MAILING_IN_DOUBT: options.inDoubt,
      MAILING_CONCURRENCY: String(CONCURRENCY),
    },
    csv,
    recipients: options.recipients,
    kills: options.kills,
    random: seededRandom(options.seed),
    inbox,
    say: (line) => view.line(line),
    progress: (done) => view.progress(done),
  });
  const begun = performance.now();
  try {
    view.start(options.recipients);
    const mailingId = await run.run().finally(() => view.end());
    const seconds = Number(((performance.now() - begun) / 1000).toFixed(1));
    const facts = { recipients: options.recipients, kills: run.numKills, seconds };
    const verdict = await judge(databaseUrl, mailingId, inbox, facts);
    const held = promiseHeld(verdict, options.inDoubt, MAX_IN_DOUBT);
    const places: Record<string, string> = {
      database: databaseUrl.replace(/\/\/[^@/]*@/, '//…@'),
      mailing: mailingId,
    };
    if (inbox?.sample) {
      places['a message'] = join(folder, 'message.eml');
      await writeFile(places['a message'], inbox.sample);
    }
    view.table(verdict, held, places);
    if (options.json) process.stdout.write(`${JSON.stringify(verdict)}\n`);
    return held;
  } finally {
    await run.stop();
    await inbox?.stop();
  }
}

try {
  process.exitCode = (await demo(parseDemoOptions(process.argv.slice(2)))) ? 0 : 1;
} catch (error) {
  process.stderr.write(
    `${error instanceof DemoUsageError ? error.message : String((error as Error)?.stack)}\n`,
  );
  process.exitCode = 2;
}
