import { join } from 'node:path';
import { PrivateServer } from './private-server.js';
import { connectToServer } from '../databases/server-connection.js';
import { asRoot } from './system-programs.js';

export interface MysqldOptions {
  /** More of the server's own options, for example `--default-time-zone=+05:00`. */
  arguments?: readonly string[];
}

/**
 * Common parts of mysqld and mariadbd.
 *
 * They run with default durability, because tests kill them and expect commits to survive.
 */
export abstract class MysqldServer extends PrivateServer {
  protected readonly orderlySignal = 'SIGTERM';

  protected constructor(
    program: string,
    directory: string,
    /** Words of its command line before all others; only there it takes `--no-defaults`. */
    private readonly firstArguments: readonly string[],
    private readonly options: MysqldOptions,
  ) {
    super(program, directory);
  }

  /** How its command line names the account that it runs as. */
  protected get accountArguments(): string[] {
    return asRoot();
  }

  protected arguments(): string[] {
    return [
      ...this.firstArguments,
      ...this.accountArguments,
      `--datadir=${this.dataDirectory}`,
      '--bind-address=127.0.0.1',
      `--port=${this.port}`,
      `--socket=${join(this.directory, 'socket')}`,
      `--pid-file=${join(this.directory, 'pid')}`,
      `--tmpdir=${this.directory}`,
      '--skip-name-resolve',
      // Test files run in parallel, each with pools of its own.
      '--max-connections=500',
      ...(this.options.arguments ?? []),
    ];
  }

  protected async greet(): Promise<void> {
    const connection = await connectToServer(this.url);
    await connection.end();
  }
}
