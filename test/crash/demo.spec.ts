import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { forEachDatabase } from '../support/for-each-database.js';
import { freshDatabase } from '../support/fresh-database.js';
import { SmtpInbox } from '../support/smtp-inbox.js';

const run = promisify(execFile);
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

forEachDatabase('the demo', (kind) => {
  it('kills, resumes, and finds the promise kept', async () => {
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
    } finally {
      await database.dispose();
    }
  });
});

describe('the demo', () => {
  it('with resend leaves nobody in doubt and nobody out', async () => {
    const verdict = await demo('--recipients', '200', '--kills', '1', '--seed', '3', '--in-doubt', 'resend');
    expect(verdict).toMatchObject({
      received: 200,
      missing: 0,
      inDoubt: 0,
      numSent: 200,
      status: 'completed',
    });
  });

  it('with a mail server of the user’s own gives no verdict about receipt', async () => {
    const inbox = await SmtpInbox.start();
    try {
      const verdict = await demo('--recipients', '100', '--kills', '0', '--smtp-url', inbox.url);
      expect(verdict).toMatchObject({ received: null, duplicates: null, missing: 0, numSent: 100 });
      expect(inbox.messages).toHaveLength(100);
    } finally {
      await inbox.close();
    }
  });

  it.each([
    ['--recipients', 'many'],
    ['--in-doubt', 'maybe'],
    ['--nonsense', '1'],
  ])('ends with 2 and says how it is used after %s %s', async (option, value) => {
    await expect(demo(option, value)).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining(option) as string,
    });
  });
});
