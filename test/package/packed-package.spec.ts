import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SmtpInbox } from '../support/smtp-inbox.js';

const run = promisify(execFile);
const INSTALL_DEADLINE_MS = 240_000;
const HOSTS = join(import.meta.dirname, 'hosts');

describe('the packed package', () => {
  let folder: string;
  let tarball: string;
  let files: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mailing-package-'));
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder]);
    const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
    tarball = join(folder, packed.filename);
    files = packed.files.map(({ path }) => path);
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('holds the plugin, its declarations and its papers, and nothing else', () => {
    const papers = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'];
    expect(files.filter((path) => !path.startsWith('dist/libs/mailing/src/')).sort()).toEqual(papers);
    expect(files).toContain('dist/libs/mailing/src/index.js');
    expect(files).toContain('dist/libs/mailing/src/index.d.ts');
    expect(files.filter((path) => path.includes('.spec.'))).toEqual([]);
  });

  it.each(['nest-12-esm', 'nest-11-commonjs'])(
    'E5 E6 works in a new application: %s',
    async (name) => {
      const host = join(folder, name);
      const inbox = await SmtpInbox.start();
      try {
        await cp(join(HOSTS, name), host, { recursive: true });
        await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball], { cwd: host });
        // With strict types: what the package declares has to make sense without its sources.
        await run(process.execPath, ['node_modules/typescript/bin/tsc'], { cwd: host });
        const { stdout } = await run(process.execPath, ['dist/main.js'], {
          cwd: host,
          env: { ...process.env, SMTP_URL: inbox.url, DATABASE_FILE: join(host, 'mailing.sqlite') },
        });
        expect(stdout).toContain("status: 'completed'");
        expect(inbox.countsByRecipient()).toEqual(
          new Map([
            ['ann@home.example', 1],
            ['bob@home.example', 1],
          ]),
        );
        const toAnn = inbox.messages.find(({ to }) => to[0] === 'ann@home.example');
        expect((await toAnn?.parsed())?.text).toContain('Dear Ann, 10 % off for you.');
      } finally {
        await inbox.close();
      }
    },
    INSTALL_DEADLINE_MS,
  );

  it('the README’s quick start is the application that was just run', async () => {
    const readme = await readFile('README.md', 'utf8');
    const quickStart = await readFile(join(HOSTS, 'nest-12-esm/src/main.ts'), 'utf8');
    expect(readme).toContain(`\`\`\`ts\n${quickStart}\`\`\``);
  });
});
