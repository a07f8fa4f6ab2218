import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { ALL, nameOf, PAIRS } from './host-cells.js';
import { ScaffoldedHost } from './scaffolded.host.js';

const run = promisify(execFile);

describe('E9 an application that installs the package', () => {
  let folder: string;
  let tarball: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mailing-hosts-'));
    const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]);
    tarball = join(folder, (JSON.parse(stdout) as [{ filename: string }])[0].filename);
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(
    (process.env.MAILING_TEST_HOSTS === 'all' ? ALL : PAIRS).map((cell) => [nameOf(cell), cell] as const),
  )('%s: compiles, sends, and runs its tests', async (_, cell) => {
    const host = await ScaffoldedHost.prepare(folder, tarball, cell);
    await host.compile();
    await using inbox = await SmtpInbox.start();
    const { printed, log } = await host.send(inbox.url);
    expect(printed).toEqual({ status: 'completed', numSent: 2, unsubscribe: 'function' });
    expect(log.join('\n')).toContain('completed, 2 sent, 0 errors');
    expect(inbox.countsByRecipient()).toEqual(
      new Map([
        ['ann@home.example', 1],
        ['bob@home.example', 1],
      ]),
    );
    await host.test();
  });

  it.each(['7.0.13', '8.0.11', '9.1.1', '10.4.0'])(
    'with nodemailer %s is told at its start how to upgrade it',
    async (version) => {
      const host = await ScaffoldedHost.prepare(folder, tarball, PAIRS[0]);
      await host.compile();
      await host.replace('nodemailer', version);
      await expect(host.send('smtp://localhost:1')).rejects.toThrow(
        `expected nodemailer 10.5.0 or later, got ${version}. Run "npm install nodemailer@^10.5.0" and start again.`,
      );
    },
  );
});
