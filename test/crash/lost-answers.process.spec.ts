import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Mailing } from 'nestjs-mailing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { assertProgressAddsUp, readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { builtProgram } from '../support/hosts/built-program.js';
import { EmailApiServer } from '../support/network/email-api.server.js';
import { waitUntil } from '../support/wait-until.js';

const HOST = builtProgram('api.process');
const RECIPIENTS = 200;

forEachDatabase('an HTTP API that loses answers, and a process that is killed', (kind) => {
  let database: FreshDatabase;
  let api: EmailApiServer;
  let folder: string;
  const hosts: ChildProcess[] = [];

  beforeEach(async () => {
    database = await freshDatabase(kind);
    api = await EmailApiServer.start();
    folder = await mkdtemp(join(tmpdir(), 'mailing-api-'));
    await writeFile(join(folder, 'letter.hbs'), '<p>Hello</p>');
  });
  afterEach(async () => {
    await Promise.all(hosts.splice(0).map(kill));
    await api.close();
    await database.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  const start = (send: 'yes' | 'no'): ChildProcess => {
    const env = {
      ...process.env,
      DATABASE_URL: database.url,
      SMTP_URL: 'smtp://127.0.0.1:9',
      API_URL: api.url,
      TEMPLATE_DIR: folder,
      RECIPIENTS: String(RECIPIENTS),
      SEND: send,
    };
    const host = spawn(process.execPath, [HOST], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    hosts.push(host);
    return host;
  };

  it('get every message delivered once under its key, although what is in doubt is sent again', async () => {
    // Every seventh recipient is accepted at first without an answer that arrives, and the last before a kill are not answered at all.
    let hangFrom = 60;
    let numHanging = 0;
    const lost = new Set<string>();
    api.reply = ({ to }) => {
      if (api.accepted.length >= hangFrom) {
        numHanging++;
        return 'late';
      }
      const isLost = Number(/\d+/.exec(to)![0]) % 7 === 0 && !lost.has(to);
      if (isLost) lost.add(to);
      return isLost ? 'lost' : 'accept';
    };
    let host = start('yes');
    for (const next of [120, Infinity]) {
      await waitUntil(() => numHanging >= 4, { what: 'messages without an answer' });
      await kill(host);
      numHanging = 0;
      hangFrom = next;
      host = start('no');
    }
    const { id } = await waitUntil(
      () => database.dataSource.getRepository(Mailing).findOneBy({ status: 'completed' }),
      { what: 'the mailing to be completed', deadlineMs: 25_000 },
    );
    const progress = await readProgress(database.dataSource, id);
    assertProgressAddsUp(progress);
    expect(progress.byStatus).toEqual({ sent: RECIPIENTS });
    expect(api.accepted).toHaveLength(RECIPIENTS);
    expect(api.countsByRecipient().size).toBe(RECIPIENTS);
    expect(new Set(api.requests.map(({ key }) => key)).size).toBe(RECIPIENTS);
    // Of each kill at least four were not answered, beside those whose answer got lost.
    expect(api.requests.length - RECIPIENTS).toBeGreaterThanOrEqual(8 + lost.size);
    expect(lost.size).toBeGreaterThan(20);
  });
});

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
