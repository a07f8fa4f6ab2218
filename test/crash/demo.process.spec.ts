import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MailBatch } from 'nestjs-mailing';
import { describe, expect, it } from 'vitest';
import { forEachDatabase } from '../support/databases/for-each-database.js';
import { type FreshDatabase, freshDatabase } from '../support/databases/fresh-database.js';
import { SmtpInbox } from '../support/network/smtp-inbox.js';

const run = promisify(execFile);
/** Every kill costs the start of a process, which takes seconds on a busy machine. */
const LONG_MS = 120_000;
const DEMO = join(import.meta.dirname, '../../dist/src/demo/demo.js');

/** Runs the demo in a folder of its own. @returns the object on the last line of its output. */
async function demo(...args: string[]): Promise<Record<string, unknown>> {
  const folder = await mkdtemp(join(tmpdir(), 'mailing-demo-'));
  try {
    const { stdout } = await run(process.execPath, [DEMO, '--json', ...args], { cwd: folder });
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const sum = (numbers: number[]): number => numbers.reduce((total, one) => total + one, 0);

/** The counters add up with those of its batches, and only these servers completed a batch. */
async function expectBatchesOfAll(database: FreshDatabase, servers: { id: string }[]): Promise<void> {
  const batches = await database.dataSource.getRepository(MailBatch).find();
  expect(batches.length).toBeGreaterThan(1);
  expect(batches.every(({ status, isSummarized }) => status === 'complete' && isSummarized)).toBe(true);
  const ids = servers.map(({ id }) => id);
  for (const { uniqServerId } of batches) expect(ids).toContain(uniqServerId);
}

forEachDatabase('the demo', (kind) => {
  it(
    'kills its process, resumes, and finds the promise kept',
    async () => {
      const database = await freshDatabase(kind, { migrate: false });
      try {
        const verdict = await demo(
          '--recipients',
          '400',
          '--kills',
          '2',
          '--seed',
          '7',
          '--database-url',
          database.url,
        );
        expect(verdict).toMatchObject({
          recipients: 400,
          kills: 2,
          duplicates: 0,
          missing: 0,
          numProfiles: 400,
          numSkipped: 0,
          status: 'completed',
        });
        expect(verdict.inDoubt).toBe(verdict.numErrors);
        expect(verdict.inDoubt).toBeLessThanOrEqual(20);
        expect(verdict.seconds).toBeGreaterThan(0);
        expect(verdict.servers).toEqual([
          { id: expect.stringMatching(/^demo-\d+$/) as string, sent: verdict.received, kills: 2 },
        ]);
      } finally {
        await database.dispose();
      }
    },
    LONG_MS,
  );

  it(
    'shares a mailing among three servers, kills them in turn, and reports which server sent what',
    async () => {
      const database = await freshDatabase(kind, { migrate: false });
      try {
        const args = ['--servers', '3', '--recipients', '600', '--kills', '3', '--seed', '3'];
        const verdict = await demo(...args, '--database-url', database.url);
        expect(verdict).toMatchObject({
          recipients: 600,
          kills: 3,
          duplicates: 0,
          missing: 0,
          numProfiles: 600,
          numSkipped: 0,
          status: 'completed',
        });
        expect(verdict.inDoubt).toBe(verdict.numErrors);
        expect(verdict.inDoubt).toBeLessThanOrEqual(60);
        const servers = verdict.servers as { id: string; sent: number; kills: number }[];
        expect(new Set(servers.map(({ id }) => id)).size).toBe(3);
        expect(sum(servers.map(({ sent }) => sent))).toBe(verdict.received);
        expect(sum(servers.map(({ kills }) => kills))).toBe(3);
        // The first kill of this seed comes after each server had batches.
        for (const { sent } of servers) expect(sent).toBeGreaterThan(0);
        await expectBatchesOfAll(database, servers);
      } finally {
        await database.dispose();
      }
    },
    LONG_MS,
  );
});

describe('the demo', () => {
  it('with policy resend leaves no recipient in doubt or unsent', async () => {
    const verdict = await demo('--recipients', '200', '--kills', '1', '--seed', '3', '--in-doubt', 'resend');
    expect(verdict).toMatchObject({
      received: 200,
      missing: 0,
      inDoubt: 0,
      numSent: 200,
      status: 'completed',
    });
  });

  it(
    'shares a mailing among servers with the user’s own mail server',
    async () => {
      const inbox = await SmtpInbox.start();
      try {
        const args = ['--servers', '2', '--recipients', '300', '--kills', '1', '--seed', '2'];
        const verdict = await demo(...args, '--smtp-url', inbox.url);
        expect(verdict).toMatchObject({ received: null, kills: 1, missing: 0, status: 'completed' });
        expect(verdict.servers).toMatchObject([{ sent: null }, { sent: null }]);
        expect(inbox.messages.length).toBeLessThanOrEqual(300);
      } finally {
        await inbox.close();
      }
    },
    LONG_MS,
  );

  it('gives no verdict about receipt with the user’s own mail server', async () => {
    const inbox = await SmtpInbox.start();
    try {
      const verdict = await demo('--recipients', '100', '--kills', '0', '--smtp-url', inbox.url);
      expect(verdict).toMatchObject({ received: null, duplicates: null, missing: 0, numSent: 100 });
      expect(inbox.messages).toHaveLength(100);
      expect(verdict.servers).toMatchObject([{ sent: null, kills: 0 }]);
    } finally {
      await inbox.close();
    }
  });

  it.each([
    ['--recipients', 'many'],
    ['--in-doubt', 'maybe'],
    ['--servers', '0'],
    ['--nonsense', '1'],
  ])('ends with exit code 2 and prints its usage for %s %s', async (option, value) => {
    await expect(demo(option, value)).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining(option) as string,
    });
  });
});
