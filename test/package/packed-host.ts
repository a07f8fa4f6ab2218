import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import libsql from 'libsql';

const run = promisify(execFile);
const HOSTS = join(import.meta.dirname, 'hosts');

export const sourceOf = (host: string): string => join(HOSTS, host, 'src/main.ts');

/** How a process ended, and what it said until then. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** One of the applications of `hosts/`, in a folder of its own, with the tarball installed from outside. */
export class PackedHost {
  private constructor(private readonly folder: string) {}

  static async install(name: string, folder: string, tarball: string): Promise<PackedHost> {
    await cp(join(HOSTS, name), folder, { recursive: true });
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball], { cwd: folder });
    // With strict types: what the package declares has to make sense without its sources.
    await run(process.execPath, ['node_modules/typescript/bin/tsc'], { cwd: folder });
    return new PackedHost(folder);
  }

  /** Starts the application with the database of that name; it sends its mailing by itself. */
  start(smtpUrl: string, database: string): { child: ChildProcess; ending: Promise<Ending> } {
    const child = spawn(process.execPath, ['dist/main.js'], {
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
