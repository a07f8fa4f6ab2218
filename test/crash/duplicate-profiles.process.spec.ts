import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MailAddressClaim, Mailing } from 'nestjs-mailing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { builtProgram } from '../support/hosts/built-program.js';
import type { FaultPoint } from '../../libs/mailing/src/model/ports/fault-points.js';
import { assertProgressAddsUp, readProgress } from '../support/databases/stored-progress.js';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';

const PROCESS = builtProgram('profiles.process');
const ADDRESSES = 9;
const RECIPIENTS = 36;
const MAX_IN_DOUBT = 4;
const DEADLINE_MS = 25_000;

/** Before the addresses are claimed, between that and the message, and after it; early, and after others were skipped. */
const DEATHS: { at: FaultPoint; on: number; batched: 'yes' | 'no' }[] = [
  { at: 'afterIntentCommitted', on: 3, batched: 'no' },
  { at: 'beforeRendered', on: 1, batched: 'no' },
  { at: 'beforeRendered', on: 8, batched: 'yes' },
  { at: 'beforeHandOver', on: 2, batched: 'yes' },
  { at: 'afterAnswer', on: 4, batched: 'no' },
  { at: 'beforeOutcomesWritten', on: 2, batched: 'yes' },
];

forEachDatabase('profiles that share an address, and a process that dies', (kind) => {
  let database: FreshDatabase;
  let inbox: SmtpInbox;
  let folder: string;

  beforeEach(async () => {
    database = await freshDatabase(kind);
    inbox = await SmtpInbox.start({ keepRaw: 0 });
    folder = await mkdtemp(join(tmpdir(), 'mailing-profiles-'));
    await writeFile(join(folder, 'letter.hbs'), '<p>Hello</p>');
  });
  afterEach(async () => {
    await inbox.close();
    await database.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  /** @returns how it ended: a signal, `lived`, or its output. */
  async function live(env: Record<string, string>): Promise<string> {
    const child = spawn(process.execPath, [PROCESS], {
      env: {
        ...process.env,
        DATABASE_URL: database.url,
        SMTP_URL: inbox.url,
        TEMPLATE_DIR: folder,
        ADDRESSES: String(ADDRESSES),
        RECIPIENTS: String(RECIPIENTS),
        MAX_IN_DOUBT: String(MAX_IN_DOUBT),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text: Buffer) => (output += text.toString()));
    const timer = setTimeout(() => child.kill('SIGTERM'), DEADLINE_MS);
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    clearTimeout(timer);
    return signal ?? (code === 0 ? 'lived' : output);
  }

  it.each(DEATHS)(
    'dies at visit $on of $at (in batches: $batched): each address gets one copy and has one claim',
    { timeout: 60_000 },
    async ({ at, on, batched }) => {
      const env = { BATCHED: batched };
      expect(await live({ ...env, MAILING_DIE_AT: at, MAILING_DIE_ON: String(on) })).toBe('SIGKILL');
      expect(await live(env)).toBe('lived');
      const [{ id }] = await database.dataSource.getRepository(Mailing).findBy({});
      const progress = await readProgress(database.dataSource, id);
      assertProgressAddsUp(progress);
      const copies = inbox.countsByRecipient();
      expect([...copies].filter(([, count]) => count > 1)).toEqual([]);
      const { sent, in_doubt: doubt = 0, skipped } = progress.byStatus;
      expect(doubt).toBeLessThanOrEqual(2 * MAX_IN_DOUBT);
      expect(copies.size).toBeGreaterThanOrEqual(sent);
      const holders = await database.dataSource.getRepository(MailAddressClaim).findBy({ mailingId: id });
      expect(holders).toHaveLength(ADDRESSES);
      // Only holders of an address were mailed, and each skipped profile is a duplicate of one.
      const held = new Set(holders.map(({ idx }) => idx));
      const mailed = progress.recipients.filter(({ status }) => status === 'sent');
      expect(mailed.filter(({ idx }) => !held.has(idx))).toEqual([]);
      expect(skipped).toBe(RECIPIENTS - sent - doubt);
    },
  );
});
