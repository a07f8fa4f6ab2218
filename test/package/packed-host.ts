import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import libsql from 'libsql';
import { PAIRS } from '../hosts/host-cells.js';
import { ScaffoldedHost } from '../hosts/scaffolded.host.js';
import { quickStartOf } from './quick-start.js';

const run = promisify(execFile);

/** How a process ended, and what it said until then. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** An application in a folder of its own, with the tarball installed from outside. */
export class PackedHost {
  private constructor(
    private readonly folder: string,
    private readonly command: string[],
  ) {}

  /** As `nest new` of Nest 11 makes it. */
  static async scaffold(root: string, tarball: string): Promise<PackedHost> {
    const host = await ScaffoldedHost.prepare(root, tarball, PAIRS[0]);
    // With strict types: what the package declares has to make sense without its sources.
    await host.compile();
    return new PackedHost(host.folder, ['node', 'dist/main.js']);
  }

  /**
   * What README.md says, done to the letter in an empty folder: its commands in their order, its files under the names that it gives them. Only the
   * versions are those of this repository, so that a release of another package breaks no test, and the tarball stands for the name of the package.
   */
  static async followReadme(folder: string, tarball: string): Promise<PackedHost> {
    const { commands, files } = await quickStartOf('README.md');
    await mkdir(folder, { recursive: true });
    for (const { path, text } of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const start = commands.pop() as string;
    const { devDependencies } = JSON.parse(await readFile('package.json', 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    const env = {
      ...process.env,
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_prefer_offline: 'true',
    };
    for (const command of commands) {
      const words = command.split(' ').map((word) => (word === 'nestjs-mailing' ? tarball : pinned(word)));
      await run('sh', ['-c', words.join(' ')], { cwd: folder, env });
    }
    return new PackedHost(folder, start.split(' '));

    function pinned(word: string): string {
      return devDependencies[word] ? `${word}@${devDependencies[word]}` : word;
    }
  }

  /** Starts the application with the database of that name; it sends its mailing by itself. */
  start(smtpUrl: string, database: string): { child: ChildProcess; ending: Promise<Ending> } {
    const [program, ...args] = this.command;
    const child = spawn(program === 'node' ? process.execPath : program, args, {
      cwd: this.folder,
      env: { ...process.env, SMTP_URL: smtpUrl, DATABASE_FILE: join(this.folder, database) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { child, ending: endingOf(child) };
  }

  /** The one mailing and its recipients, as they stand in the database. */
  progress(database: string): { mailing: object; recipients: string[] } {
    const connection = new libsql(join(this.folder, database));
    try {
      const [mailing] = connection
        .prepare('select status, num_profiles, num_sent, num_errors, num_skipped from dps_mailing')
        .all() as object[];
      const rows = connection.prepare('select status from dps_email_address order by idx').all();
      return { mailing, recipients: (rows as { status: string }[]).map(({ status }) => status) };
    } finally {
      connection.close();
    }
  }
}

async function endingOf(child: ChildProcess): Promise<Ending> {
  const said = { stdout: '', stderr: '' };
  child.stdout?.on('data', (text) => (said.stdout += text));
  child.stderr?.on('data', (text) => (said.stderr += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, ...said };
}
