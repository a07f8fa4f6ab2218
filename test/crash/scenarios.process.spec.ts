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

const HOST = builtProgram('scenarios.process');
const RECIPIENTS = 65;

forEachDatabase('an event whose handling is killed half-way', (kind) => {
  let database: FreshDatabase;
  let inbox: SmtpInbox;
  let folder: string;
  let host: ChildProcess | null = null;

  beforeEach(async () => {
    database = await freshDatabase(kind);
    inbox = await SmtpInbox.start({ keepRaw: 0 });
    folder = await mkdtemp(join(tmpdir(), 'mailing-scenarios-'));
    await writeFile(join(folder, 'letter.hbs'), '<p>Hello</p>');
  });

  afterEach(async () => {
    host?.kill('SIGKILL');
    await inbox.close();
    await database.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  const start = (dieAt: string): ChildProcess => {
    const env = {
      ...process.env,
      DATABASE_URL: database.url,
      SMTP_URL: inbox.url,
      TEMPLATE_DIR: folder,
      RECIPIENTS: String(RECIPIENTS),
      DIE_AT: dieAt,
    };
    return (host = spawn(process.execPath, [HOST], { env, stdio: ['ignore', 'ignore', 'inherit'] }));
  };

  it('sends each recipient one copy when it is handled again, twice', async () => {
    for (const place of [34, 57]) {
      const [, signal] = (await once(start(String(place)), 'exit')) as [number | null, string | null];
      expect(signal).toBe('SIGKILL');
    }
    start('never');
    const mailings = await waitUntil(
      async () => {
        const all = await database.dataSource.getRepository(Mailing).find({ order: { id: 'ASC' } });
        return all.filter(({ status }) => status === 'completed').length === 7 ? all : null;
      },
      { what: 'all cuts to complete' },
    );
    const completed = mailings.filter(({ status }) => status === 'completed');
    expect(completed.filter(({ numProfiles }) => numProfiles === 10)).toHaveLength(6);
    expect(completed.filter(({ numProfiles }) => numProfiles === 5)).toHaveLength(1);
    expect(new Set(completed.map(({ batchExecId }) => batchExecId))).toEqual(
      new Set(['Orders:receipt:4711']),
    );
    const progress = await Promise.all(completed.map(({ id }) => readProgress(database.dataSource, id)));
    progress.forEach(assertProgressAddsUp);
    const copies = inbox.countsByRecipient();
    expect(Math.max(...copies.values())).toBe(1);
    const sent = progress.reduce((sum, { byStatus }) => sum + (byStatus.sent ?? 0), 0);
    const inDoubt = progress.reduce((sum, { byStatus }) => sum + (byStatus.in_doubt ?? 0), 0);
    expect(sent + inDoubt).toBe(RECIPIENTS);
    expect(copies.size).toBeGreaterThanOrEqual(sent);
  });
});
