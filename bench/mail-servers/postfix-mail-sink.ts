import { once } from 'node:events';
import type { SpawnOptions } from 'node:child_process';
import { connect } from 'node:net';
import { PrivateServer, serverDirectory } from '../../test/support/servers/private-server.js';
import { cpuMsOf } from '../cpu-time.js';
import { bytesReadBy, type MailSink } from './mail-sink.js';
import { type PostfixPrograms, withLibraries } from './postfix.programs.js';

/** The backlog of connections. */
const BACKLOG = 1_000;

/** `smtp-sink` of postfix. */
export class PostfixMailSink extends PrivateServer implements MailSink {
  protected readonly orderlySignal = 'SIGTERM';

  private constructor(
    private readonly programs: PostfixPrograms,
    directory: string,
  ) {
    super(programs.sink, directory);
  }

  static async start(programs: PostfixPrograms): Promise<PostfixMailSink> {
    const sink = new PostfixMailSink(programs, await serverDirectory('sink'));
    return sink.startAfter();
  }

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  bytes(): Promise<number | null> {
    return bytesReadBy(this.pid);
  }

  cpuMs(): Promise<number | null> {
    return cpuMsOf(this.pid);
  }

  protected arguments(): string[] {
    // As root it requires a user to switch to.
    const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
    return [...user, `127.0.0.1:${this.port}`, String(BACKLOG)];
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
