import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Mailing } from 'nestjs-mailing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { assertProgressAddsUp, readProgress } from '../support/databases/stored-progress.js';
import { builtProgram } from '../support/hosts/built-program.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';

const HOST = builtProgram('persister.process');
const RECIPIENTS = 40;
const MAX_IN_DOUBT = 4;
const LIFE_DEADLINE_MS = 25_000;

forEachDatabase('a host with a persister of its own, which is killed', (kind) => {
  let database: FreshDatabase;
  let inbox: SmtpInbox;
  let folder: string;

  beforeEach(async () => {
    database = await freshDatabase(kind);
    inbox = await SmtpInbox.start({ keepRaw: 0 });
    folder = await mkdtemp(join(tmpdir(), 'mailing-persister-'));
    await writeFile(join(folder, 'letter.hbs'), '<p>Hello</p>');
  });
  afterEach(async () => {
    await inbox.close();
    await database.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  /** @returns how the process ended, and the lines of its persister. */
  const live = async (isBatched: boolean, dieAt = ''): Promise<{ end: unknown; lines: string[] }> => {
    const env = {
      ...process.env,
      DATABASE_URL: database.url,
      SMTP_URL: inbox.url,
      TEMPLATE_DIR: folder,
      RECIPIENTS: String(RECIPIENTS),
      MAX_IN_DOUBT: String(MAX_IN_DOUBT),
      BATCHED: isBatched ? 'yes' : 'no',
      MAILING_DIE_AT: dieAt,
      MAILING_DIE_ON: '2',
    };
    const host = spawn(process.execPath, [HOST], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: LIFE_DEADLINE_MS,
    });
    const [output, [code, signal]] = await Promise.all([text(host.stdout), once(host, 'exit')]);
    return { end: signal ?? code, lines: output.split('\n').filter(Boolean) };
  };

  it.each([
    ['in the middle of a mailing', 'afterCommit', false],
    ['in the middle of a batch', 'afterCommit', true],
    ['right after a mailing was created', 'afterMailingCreated', false],
  ])('goes on %s, through that persister, and sends no second copy', async (_when, dieAt, isBatched) => {
    const first = await live(isBatched, dieAt === 'afterMailingCreated' ? '' : dieAt);
    const second = await live(isBatched);
    const { id } = await database.dataSource.getRepository(Mailing).findOneByOrFail({ status: 'completed' });
    const refusal = 'refused: No mailing has that name here.';
    expect([first.end, second.end]).toEqual([dieAt === 'afterMailingCreated' ? 0 : 'SIGKILL', 0]);
    expect(first.lines.slice(0, 2)).toEqual([refusal, `created ${id}`]);
    // Not created a second time. What was not completed is read again.
    expect(second.lines).toEqual(
      first.end === 0 ? [refusal] : expect.arrayContaining([refusal, `read ${id}`]),
    );
    expect(await database.dataSource.getRepository(Mailing).count()).toBe(1);
    const progress = await readProgress(database.dataSource, id);
    assertProgressAddsUp(progress);
    const copies = inbox.countsByRecipient();
    expect([...copies.values()].filter((count) => count > 1)).toEqual([]);
    const { sent, in_doubt: doubt = 0 } = progress.byStatus;
    expect(sent + doubt).toBe(RECIPIENTS);
    expect(doubt).toBeLessThanOrEqual(2 * MAX_IN_DOUBT);
    expect(copies.size).toBeGreaterThanOrEqual(sent);
  });
});
