import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Mailing, MailServer } from 'nestjs-mailing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { builtProgram } from '../support/hosts/built-program.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { waitUntil } from '../support/wait-until.js';

const HOST = builtProgram('endless-list.process');
const READERS = ['reader0@home.example', 'reader1@home.example', 'reader2@home.example'];
const LISTS = [
  ['invalid entries', 'invalid'],
  ['duplicates', 'duplicates'],
  ['nothing more after its first entries', 'silent'],
];
const DEADLINE_MS = 10_000;

describe.each(['sqlite', 'mariadb'] as const)('SIGTERM while an endless list is read (%s)', (kind) => {
  let database: FreshDatabase;
  let inbox: SmtpInbox;
  let folder: string;
  let host: ChildProcess;
  let output: string;

  beforeEach(async () => {
    database = await freshDatabase(kind);
    inbox = await SmtpInbox.start();
    folder = await mkdtemp(join(tmpdir(), 'mailing-endless-'));
    await writeFile(join(folder, 'letter.hbs'), '<p>Hello</p>');
    output = '';
  });

  afterEach(async () => {
    host.kill('SIGKILL');
    await inbox.close();
    await database.dispose();
    await rm(folder, { recursive: true });
  });

  /** Starts the host and resolves when the list is past its readers. */
  const start = async (list: string, persist: 'yes' | 'no'): Promise<void> => {
    const env = {
      ...process.env,
      DATABASE_URL: database.url,
      SMTP_URL: inbox.url,
      TEMPLATE_DIR: folder,
      LIST: list,
      PERSIST: persist,
    };
    host = spawn(process.execPath, [HOST], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [host.stdout, host.stderr])
      stream?.on('data', (text: Buffer) => (output += text.toString()));
    await waitUntil(() => output.includes('isPassed'), { what: 'the list to be read', deadlineMs: 25_000 });
  };

  /** @returns the last line of the host, after an orderly shutdown. */
  const ended = async (): Promise<unknown> => {
    await waitUntil(() => host.exitCode !== null || host.signalCode !== null, {
      what: 'the process to end',
      deadlineMs: DEADLINE_MS,
    });
    expect({ signal: host.signalCode, output }).toMatchObject({ signal: 'SIGTERM' });
    expect(await database.dataSource.getRepository(MailServer).count()).toBe(0);
    await waitUntil(() => output.trimEnd().split('\n').length > 1, { what: 'the last line' });
    return JSON.parse(output.trimEnd().split('\n').at(-1)!) as unknown;
  };

  it.each(LISTS)(
    'of %s, not persisted, ends the process after the recipients read so far are sent to',
    async (_, list) => {
      let answer = (): void => undefined;
      const isSignalled = new Promise<void>((resolve) => (answer = resolve));
      inbox.answer = ({ command }) => (command === 'END' ? isSignalled : undefined);
      await start(list, 'no');
      await inbox.waitFor(READERS.length);
      host.kill('SIGTERM');
      answer();
      expect(await ended()).toEqual({
        status: 'failed',
        statusReason: 'the server stopped before the list was through',
        numSent: inbox.messages.length,
      });
      expect(inbox.messages.map(({ to }) => to[0]).sort()).toEqual(READERS);
    },
    60_000,
  );

  it.each(LISTS)(
    'of %s, persisted, ends the process, and the mailing is failed with a reason and sends to no recipient',
    async (_, list) => {
      await start(list, 'yes');
      host.kill('SIGTERM');
      expect(await ended()).toMatchObject({ code: 'MAILING_SERVER_SHUTTING_DOWN' });
      const [mailing, ...more] = await database.dataSource.getRepository(Mailing).findBy({});
      expect(more).toEqual([]);
      expect(mailing).toMatchObject({
        status: 'failed',
        claimToken: null,
        statusReason: expect.stringMatching(/^list incomplete: .*test:1/) as string,
      });
      expect(inbox.messages).toEqual([]);
    },
    60_000,
  );
});
