import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Mailing, type MailingStatus } from 'nestjs-mailing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { builtProgram } from '../support/hosts/built-program.js';
import { assertProgressAddsUp, readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { waitUntil } from '../support/wait-until.js';
import { WebServer } from '../support/network/web-server.js';

const HOST = builtProgram('attachments.process');
const RECIPIENTS = 120;
const LEAFLET = randomBytes(60_001);
const LOGO = randomBytes(5_000);
const TERMS = randomBytes(50_000);

forEachDatabase('a mailing with attachments, some for single recipients, whose process is killed', (kind) => {
  let database: FreshDatabase;
  let inbox: SmtpInbox;
  let web: WebServer;
  let folder: string;
  let kept: string;
  let settings: Record<string, string>;
  const hosts: ChildProcess[] = [];

  beforeEach(async () => {
    database = await freshDatabase(kind);
    inbox = await SmtpInbox.start();
    folder = await mkdtemp(join(tmpdir(), 'mailing-attachments-'));
    kept = join(folder, 'kept');
    await mkdir(kept);
    await writeFile(join(folder, 'letter.hbs'), '<p>Dear {{email}}</p><img src="cid:logo">');
    await writeFile(join(folder, 'leaflet.pdf'), LEAFLET);
    await writeFile(join(folder, 'logo.png'), LOGO);
    web = new WebServer();
    const url = await web.start((_, response) => void response.end(TERMS));
    const attachments = [
      { filename: 'leaflet.pdf', path: join(folder, 'leaflet.pdf') },
      { filename: 'logo.png', path: join(folder, 'logo.png'), cid: 'logo' },
      { filename: 'terms.pdf', href: `${url}/terms.pdf` },
    ];
    settings = {
      DATABASE_URL: database.url,
      SMTP_URL: inbox.url,
      TEMPLATE_DIR: folder,
      RECIPIENTS: String(RECIPIENTS),
      ATTACHMENTS: JSON.stringify(attachments),
    };
  });

  afterEach(async () => {
    await Promise.all(hosts.splice(0).map(kill));
    await inbox.close();
    await web.stop();
    await database.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  const start = (more: Record<string, string>): ChildProcess => {
    const env = { ...process.env, ...settings, ...more };
    const host = spawn(process.execPath, [HOST], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    hosts.push(host);
    return host;
  };

  /** Kills it in the middle of the mailing, and removes the files and the web server. */
  const endFirstLife = async (host: ChildProcess): Promise<void> => {
    await inbox.waitFor(20);
    await kill(host);
    await web.stop();
    await Promise.all(['leaflet.pdf', 'logo.png'].map((name) => rm(join(folder, name))));
    expect(inbox.messages.length).toBeLessThan(RECIPIENTS);
  };

  const reached = (status: MailingStatus): Promise<Mailing> =>
    waitUntil(() => database.dataSource.getRepository(Mailing).findOneBy({ status }), {
      what: `the mailing to be ${status}`,
    });

  const assertAllWhole = async (mailingId: string): Promise<void> => {
    const progress = await readProgress(database.dataSource, mailingId);
    assertProgressAddsUp(progress);
    const { sent = 0, in_doubt: inDoubt = 0 } = progress.byStatus;
    expect(sent + inDoubt).toBe(RECIPIENTS);
    expect(Math.max(...inbox.countsByRecipient().values())).toBe(1);
    expect(inbox.messages.length).toBeGreaterThanOrEqual(sent);
    for (const message of inbox.messages) {
      const { attachments, headers } = await message.parsed();
      const [to] = message.to;
      expect([headers.get('x-address'), headers.get('x-reader')]).toEqual([to, /\d+/.exec(to)?.[0]]);
      const bytesOf = (name: string): Buffer | undefined =>
        attachments.find(({ filename }) => filename === name)?.content;
      expect(attachments).toHaveLength(4);
      expect(bytesOf('own.txt')?.toString()).toBe(`For ${to} alone`);
      expect(bytesOf('leaflet.pdf')?.equals(LEAFLET)).toBe(true);
      expect(bytesOf('logo.png')?.equals(LOGO)).toBe(true);
      expect(bytesOf('terms.pdf')?.equals(TERMS)).toBe(true);
      expect(attachments.find(({ filename }) => filename === 'logo.png')?.cid).toBe('logo');
    }
    expect(web.asked).toBe(1);
  };

  it.each(['table', 'folder'])(
    'C11 sends each recipient its attachments whole, once, after files and web server are gone: %s',
    async (place) => {
      const STORE = JSON.stringify(place === 'table' ? place : { dir: kept });
      await endFirstLife(start({ SEND: 'yes', STORE }));
      const second = start({ STORE });
      await inbox.waitFor(60);
      await kill(second);
      expect(inbox.messages.length).toBeLessThan(RECIPIENTS);
      start({ STORE });
      await assertAllWhole((await reached('completed')).id);
    },
  );

  it('C11 pauses when the attachment folder is lost, settles recipients in doubt, and sends the rest when it is back', async () => {
    const STORE = JSON.stringify({ dir: kept });
    await endFirstLife(start({ SEND: 'yes', STORE }));
    const empty = join(folder, 'empty');
    await mkdir(empty);
    const second = start({ STORE: JSON.stringify({ dir: empty }) });
    const { id, statusReason } = await reached('paused');
    expect(statusReason).toMatch(/^attachments: expected "leaflet.pdf" .*ENOENT/);
    const { byStatus } = await readProgress(database.dataSource, id);
    expect(byStatus.sending).toBeUndefined();
    expect(byStatus.pending).toBeGreaterThan(0);
    await kill(second);
    await rename(kept, join(folder, 'share'));
    start({ STORE: JSON.stringify({ dir: join(folder, 'share') }), RESUME: id });
    await assertAllWhole((await reached('completed')).id);
  });
});

async function kill(host: ChildProcess): Promise<void> {
  if (host.exitCode !== null || host.signalCode !== null) return;
  const exited = once(host, 'exit');
  host.kill('SIGKILL');
  await exited;
}
