import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { DatabaseKind } from '../../support/databases/database-kinds.js';
import { type FreshDatabase, freshDatabase } from '../../support/databases/fresh-database.js';
import { builtProgram } from '../../support/hosts/built-program.js';

/** A database, a folder with one template, and processes of one program, made anew for each test of a block. */
export class HostRig {
  database: FreshDatabase;
  #folder: string;
  readonly #hosts: ChildProcess[] = [];

  private constructor(private readonly program: string) {}

  /**
   * Call it inside `describe`.
   *
   * @param program of `test/crash/processes`, without its extension.
   */
  static forEachTest(kind: DatabaseKind, program: string, letter = '<p>Hello</p>'): HostRig {
    const rig = new HostRig(builtProgram(program));
    beforeEach(async () => {
      rig.database = await freshDatabase(kind);
      rig.#folder = await mkdtemp(join(tmpdir(), 'mailing-host-'));
      await writeFile(join(rig.#folder, 'letter.hbs'), letter);
    });
    afterEach(async () => {
      await Promise.all(rig.#hosts.splice(0).map(kill));
      await rig.database.dispose();
      await rm(rig.#folder, { recursive: true, force: true });
    });
    return rig;
  }

  start(env: Record<string, string>): ChildProcess {
    const host = spawn(process.execPath, [this.program], {
      env: { ...process.env, DATABASE_URL: this.database.url, TEMPLATE_DIR: this.#folder, ...env },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.#hosts.push(host);
    return host;
  }
}

export async function kill(host: ChildProcess): Promise<void> {
  if (host.exitCode !== null || host.signalCode !== null) return;
  const exited = once(host, 'exit');
  host.kill('SIGKILL');
  await exited;
}
