import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Mailing } from 'nestjs-mailing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { builtProgram } from '../support/hosts/built-program.js';
import { assertProgressAddsUp, readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { waitUntil } from '../support/wait-until.js';

const HOST = builtProgram('slots.process');
const RECIPIENTS = 300;
const LETTER =
  '<p>Dear {{email}}</p><ul>{{#slot "promotion"}}<li>{{title}}</li>{{else}}<li>NOTHING</li>{{/slot}}</ul>';

forEachDatabase('a mailing with slots whose process is killed', (kind) => {
  let database: FreshDatabase;
  let inbox: SmtpInbox;
  let folder: string;
  const hosts: ChildProcess[] = [];

  beforeEach(async () => {
    database = await freshDatabase(kind);
    inbox = await SmtpInbox.start();
    folder = await mkdtemp(join(tmpdir(), 'mailing-slots-'));
    await writeFile(join(folder, 'letter.hbs'), LETTER);
  });

  afterEach(async () => {
    await Promise.all(hosts.splice(0).map(kill));
    await inbox.close();
    await database.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  const start = (send: 'yes' | 'no'): ChildProcess => {
    const env = {
      ...process.env,
      DATABASE_URL: database.url,
      SMTP_URL: inbox.url,
      TEMPLATE_DIR: folder,
      RECIPIENTS: String(RECIPIENTS),
      SEND: send,
    };
    const host = spawn(process.execPath, [HOST], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    hosts.push(host);
    return host;
  };

  it('shows every recipient its promotion, or skips a recipient whose promotion can not be stored, before and after kills', async () => {
    let host = start('yes');
    for (const moment of [40, 150]) {
      await inbox.waitFor(moment);
      await kill(host);
      host = start('no');
    }
    const { id } = await waitUntil(
      () => database.dataSource.getRepository(Mailing).findOneBy({ status: 'completed' }),
      { what: 'the mailing to complete' },
    );
    const progress = await readProgress(database.dataSource, id);
    assertProgressAddsUp(progress);
    const { sent = 0, in_doubt: inDoubt = 0 } = progress.byStatus;
    expect(sent + inDoubt).toBe(RECIPIENTS - 1);
    expect(progress.byStatus.skipped).toBe(1);
    expect(inbox.countsByRecipient().has(`c${RECIPIENTS - 1}@home.example`)).toBe(false);
    expect(Math.max(...inbox.countsByRecipient().values())).toBe(1);
    expect(inbox.messages.length).toBeGreaterThanOrEqual(sent);
    for (const message of inbox.messages) {
      const userId = message.to[0].split('@')[0];
      const isEven = Number(userId.slice(1)) % 2 === 0;
      const shown = isEven ? `<li>Only for ${userId}</li>` : '<li>Half price</li><li>Free cake</li>';
      expect((await message.parsed()).html).toBe(`<p>Dear ${message.to[0]}</p><ul>${shown}</ul>`);
    }
  });
});

async function kill(host: ChildProcess): Promise<void> {
  if (host.exitCode !== null || host.signalCode !== null) return;
  const exited = once(host, 'exit');
  host.kill('SIGKILL');
  await exited;
}
