import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { EmbeddedInbox } from '../inbox/embedded-inbox.js';
import { ClusterRun } from './cluster.run.js';
import { OneBar, ServerBars } from './demo.bars.js';
import { environmentOf, maxInDoubtOf, serverIdsOf } from './demo.environment.js';
import { type DemoOptions, DemoUsageError, parseDemoOptions } from './demo.options.js';
import { writeRecipients } from './demo-recipients.js';
import { DemoRun } from './demo.run.js';
import { DemoView } from './demo.view.js';
import { seededRandom } from './seeded-random.js';
import { judge, promiseHeld, type ServerShare } from './verdict.js';

/** @returns whether the promise held. */
async function demo(options: DemoOptions): Promise<boolean> {
  const { servers, recipients, kills, inDoubt } = options;
  const folder = resolve('demo-output', `run-${process.pid}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const databaseUrl = options.databaseUrl ?? `sqlite:${join(folder, 'mailing.sqlite')}`;
  const csv = join(folder, 'recipients.csv');
  await writeRecipients(csv, recipients);
  const inbox = options.smtpUrl ? null : await EmbeddedInbox.start();
  const serverIds = serverIdsOf(servers);
  const view = new DemoView(
    servers > 1 && inbox ? new ServerBars(serverIds, inbox.messagesFrom) : new OneBar(),
  );
  const onServers = servers > 1 ? `${servers} servers, ` : '';
  view.line(`${onServers}${recipients} recipients, ${kills} kills, seed ${options.seed}`);

  const maxInDoubt = maxInDoubtOf(servers);
  const run = new (servers > 1 ? ClusterRun : DemoRun)({
    serverIds,
    envOf: (id) => environmentOf(id, options, databaseUrl, inbox, folder),
    csv,
    recipients,
    kills,
    maxInDoubt,
    inDoubt,
    random: seededRandom(options.seed),
    inbox,
    say: (line) => view.line(line),
    progress: (done) => view.progress(done),
  });
  const begun = performance.now();
  try {
    view.start(recipients);
    const mailingId = await run.run().finally(() => view.end());
    const seconds = Number(((performance.now() - begun) / 1000).toFixed(1));
    const shares = serverIds.map((id) => shareOf(id, inbox, run.killsOf(id)));
    const facts = { recipients, kills: shares.reduce((sum, one) => sum + one.kills, 0), seconds };
    const verdict = await judge(databaseUrl, mailingId, inbox, { ...facts, servers: shares });
    const held = promiseHeld(verdict, inDoubt, maxInDoubt);
    view.table(verdict, held, await placesOf(databaseUrl, mailingId, folder, inbox));
    if (options.json) process.stdout.write(`${JSON.stringify(verdict)}\n`);
    return held;
  } finally {
    await run.stop();
    await inbox?.stop();
  }
}

function shareOf(id: string, inbox: EmbeddedInbox | null, kills: number): ServerShare {
  return { id, sent: inbox ? (inbox.messagesFrom.get(id) ?? 0) : null, kills };
}

/** Where the user finds the results. */
async function placesOf(
  databaseUrl: string,
  mailingId: string,
  folder: string,
  inbox: EmbeddedInbox | null,
): Promise<Record<string, string>> {
  const places: Record<string, string> = {
    database: databaseUrl.replace(/\/\/[^@/]*@/, '//…@'),
    mailing: mailingId,
  };
  if (inbox?.sample) {
    places['a message'] = join(folder, 'message.eml');
    await writeFile(places['a message'], inbox.sample);
  }
  return places;
}

try {
  process.exitCode = (await demo(parseDemoOptions(process.argv.slice(2)))) ? 0 : 1;
} catch (error) {
  process.stderr.write(
    `${error instanceof DemoUsageError ? error.message : String((error as Error)?.stack)}\n`,
  );
  process.exitCode = 2;
}
