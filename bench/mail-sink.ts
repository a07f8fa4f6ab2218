import { once } from 'node:events';
import type { SpawnOptions } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PrivateServer } from '../test/support/private-server.js';
import { postfixPrograms, type PostfixPrograms } from './postfix.programs.js';

/** As many connections may wait to be accepted. */
const BACKLOG = 1_000;

/** A mail server in C that takes everything and keeps nothing, so that it is never what is measured. */
export class MailSink extends PrivateServer {
  protected readonly orderlySignal = 'SIGTERM';

  private constructor(
    private readonly programs: PostfixPrograms,
    directory: string,
  ) {
    super(programs.sink, directory);
  }

  static async start(): Promise<MailSink> {
    const sink = new MailSink(await postfixPrograms(), await mkdtemp(join(tmpdir(), 'mailing-sink-')));
    try {
      await sink.startOnFreePort();
      return sink;
    } catch (error) {
      await sink.stop();
      throw error;
    }
  }

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Bytes that it has read since its start: what clients have sent, as Linux counts; null on other systems. */
  async bytes(): Promise<number | null> {
    const io = await readFile(`/proc/${this.pid}/io`, 'utf8').catch(() => '');
    const read = /^rchar: (\d+)$/m.exec(io);
    return read ? Number(read[1]) : null;
  }

  protected arguments(): string[] {
    // As root it insists on becoming somebody else.
    const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
    return [...user, this.address, String(BACKLOG)];
  }

  protected async greet(): Promise<void> {
    const socket = connect(this.port, '127.0.0.1');
    try {
      await once(socket, 'data', { signal: AbortSignal.timeout(1_000) });
    } finally {
      socket.destroy();
    }
  }

  protected override get spawnOptions(): SpawnOptions {
    return { env: withLibraries(this.programs.libraries) };
  }
}

export function withLibraries(libraries: string[]): NodeJS.ProcessEnv {
  return libraries.length > 0 ? { ...process.env, LD_LIBRARY_PATH: libraries.join(':') } : process.env;
}
