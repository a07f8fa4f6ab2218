import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { SmtpInbox } from '../support/network/smtp-inbox.js';
import { PackedHost } from './packed-host.js';

const run = promisify(execFile);
const INSTALL_DEADLINE_MS = 360_000;
const ONE_COPY_EACH = new Map([
  ['ann@home.example', 1],
  ['bob@home.example', 1],
]);

describe('the packed package', () => {
  let folder: string;
  let tarball: string;
  let files: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mailing-package-'));
    // Its script would remove the build that other tests use meanwhile.
    const words = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
    const { stdout } = await run('npm', words);
    const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
    tarball = join(folder, packed.filename);
    files = packed.files.map(({ path }) => path);
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('holds the plugin, its declarations and its papers, and nothing else', () => {
    const code = files.filter((path) =>
      /^dist\/libs\/(mailing|bullmq|ldap|scenarios|testing|unsubscribe)\/src\//.test(path),
    );
    const papers = files.filter((path) => !code.includes(path) && !/^docs\/.*\.md$/.test(path));
    expect(papers.sort()).toEqual([
      'ARCHITECTURE.md',
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'UPGRADING.md',
      'dist/libs/package.json',
      'package.json',
    ]);
    for (const part of ['mailing', 'bullmq', 'ldap', 'scenarios', 'testing', 'unsubscribe']) {
      expect(code).toContain(`dist/libs/${part}/src/index.js`);
      expect(code).toContain(`dist/libs/${part}/src/index.d.ts`);
    }
    expect(code.filter((path) => !/(\.js|\.d\.ts)$/.test(path) || /\.spec\./.test(path))).toEqual([]);
  });

  it('has behind each of its names a file that is in it', async () => {
    const { exports } = JSON.parse(await readFile('package.json', 'utf8')) as { exports: object };
    const targets = Object.values(exports).flatMap((target: string | object) =>
      typeof target === 'string' ? [target] : (Object.values(target) as string[]),
    );
    const names = ['.', './bullmq', './ldap', './unsubscribe', './scenarios', './testing', './package.json'];
    expect(Object.keys(exports)).toEqual(names);
    expect(targets.filter((target) => !files.includes(target.replace(/^\.\//, '')))).toEqual([]);
    // The optional parts import it by its path, and hosts can't.
    expect(files).toContain('dist/libs/mailing/src/parts.js');
    expect(targets.filter((target) => target.includes('/parts.'))).toEqual([]);
  });

  it('loads without the optional peers, except for the parts that need them', async () => {
    for (const file of files.filter((path) =>
      /^dist\/libs\/(?!bullmq\/|ldap\/|scenarios\/).*\.js$/.test(path),
    )) {
      const { importedFiles } = ts.preProcessFile(await readFile(file, 'utf8'), true, true);
      const names = importedFiles.map(({ fileName }) => fileName);
      const optional = names.filter((name) => /bullmq|ioredis|ldapts|event-emitter/.test(name));
      expect({ file, optional }).toEqual({
        file,
        optional: [],
      });
    }
  });

  it('imports nothing but what it declares as a dependency or a peer', async () => {
    const { dependencies, peerDependencies } = JSON.parse(await readFile('package.json', 'utf8')) as Record<
      string,
      object
    >;
    const declared = new Set(Object.keys({ ...dependencies, ...peerDependencies }));
    const imported = new Set<string>();
    for (const file of files.filter((path) => /\.(js|d\.ts)$/.test(path))) {
      const { importedFiles } = ts.preProcessFile(await readFile(file, 'utf8'), true, true);
      const names = importedFiles.map(({ fileName }) => fileName).filter((name) => !name.startsWith('.'));
      for (const name of names) imported.add(/^(@[^/]+\/)?[^/]+/.exec(name)![0]);
    }
    expect(imported).toContain('@nestjs/common');
    expect([...imported].filter((name) => !isBuiltin(name) && !declared.has(name))).toEqual([]);
  });

  const applications = {
    'README.md, followed in an empty folder': (target: string) => PackedHost.followReadme(target, tarball),
    'Nest 11, CommonJS': (target: string) => PackedHost.scaffold(target, tarball),
  };

  describe.each(Object.entries(applications))('E5 E6 in a new application: %s', (name, install) => {
    let host: PackedHost;

    beforeAll(async () => {
      host = await install(join(folder, name.replaceAll(/\W+/g, '-')));
    }, INSTALL_DEADLINE_MS);

    it('sends a mailing, records it, and lets the process end', async () => {
      await using inbox = await SmtpInbox.start();
      const { code, stdout, stderr } = await host.start(inbox.url, 'sends.sqlite').ending;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/status\W+completed/);
      expect(inbox.countsByRecipient()).toEqual(ONE_COPY_EACH);
      const toAnn = inbox.messages.find(({ to }) => to[0] === 'ann@home.example');
      expect((await toAnn?.parsed())?.text).toContain('Dear Ann, 10 % off for you.');
      expect(host.progress('sends.sqlite').recipients).toEqual(['sent', 'sent']);
    });

    it('ends in good order on SIGTERM, with both messages in flight', async () => {
      let answerBoth = (): void => {};
      const signalled = new Promise<void>((resolve) => (answerBoth = resolve));
      await using inbox = await SmtpInbox.start({
        answer: ({ command }) => (command === 'END' ? signalled : undefined),
      });
      const { child, ending } = host.start(inbox.url, 'stops.sqlite');
      onTestFinished(() => void child.kill('SIGKILL'));
      await inbox.waitFor(2);
      child.kill('SIGTERM');
      answerBoth();
      const { signal, code, stderr } = await ending;
      // Nest repeats the signal when its hooks have run; a shell sees that the process was asked to end, not that it failed.
      expect({ signal, code, stderr }).toEqual({ signal: 'SIGTERM', code: null, stderr: '' });
      expect(inbox.countsByRecipient()).toEqual(ONE_COPY_EACH);
      const { mailing, recipients } = host.progress('stops.sqlite');
      expect(recipients).toEqual(['sent', 'sent']);
      expect(mailing).toMatchObject({ num_profiles: 2, num_sent: 2, num_errors: 0, num_skipped: 0 });
    });
  });
});
