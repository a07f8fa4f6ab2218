import type { SpawnOptions } from 'node:child_process';
import { chown, cp, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type PgBouncerPrograms, pgBouncerPrograms } from './pg-bouncer.programs.js';
import { type Account, unprivilegedAccount } from './postgres.programs.js';
import { PrivateServer, serverDirectory } from './private-server.js';
import { connectToPostgres } from '../databases/server-connection.js';

export interface PgBouncerOptions {
  /** URL of the PostgreSQL server behind it. */
  target: string;
  mode: 'session' | 'transaction' | 'statement';
  /** Connections to that server for each database. Default: 5. */
  poolSize?: number;
}

/** A private pgbouncer; each database of the server behind it has a pool of its own. */
export class PgBouncerServer extends PrivateServer {
  // In newer versions SIGTERM waits for every client.
  protected readonly orderlySignal = 'SIGQUIT';

  private constructor(
    program: string,
    directory: string,
    private readonly account: Account | null,
    private readonly options: PgBouncerOptions,
  ) {
    super(program, directory);
  }

  static async create(options: PgBouncerOptions): Promise<PgBouncerServer> {
    const directory = await serverDirectory('pgbouncer');
    const account = await unprivilegedAccount();
    const program = await copyPrograms(await pgBouncerPrograms(), directory);
    if (account) await chown(directory, account.uid, account.gid);
    return new PgBouncerServer(program, directory, account, options).startAfter();
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}`;
  }

  /** The URL of a database, by way of pgbouncer. */
  urlOf(database: string): string {
    const url = new URL(database);
    url.host = `127.0.0.1:${this.port}`;
    return url.href;
  }

  protected override get spawnOptions(): SpawnOptions {
    return { ...this.account, cwd: '/', env: { ...process.env, LD_LIBRARY_PATH: this.directory } };
  }

  protected arguments(): string[] {
    return [this.file];
  }

  override async start(): Promise<void> {
    const { target, mode, poolSize = 5 } = this.options;
    const { hostname, port, username, password } = new URL(target);
    const secret = password ? ` password=${decodeURIComponent(password)}` : '';
    await writeFile(
      this.file,
      [
        '[databases]',
        `* = host=${hostname} port=${port || 5432} user=${decodeURIComponent(username)}${secret}`,
        '[pgbouncer]',
        'listen_addr = 127.0.0.1',
        `listen_port = ${this.port}`,
        'unix_socket_dir =',
        'auth_type = any',
        `pool_mode = ${mode}`,
        `default_pool_size = ${poolSize}`,
        'max_client_conn = 200',
        '',
      ].join('\n'),
      { mode: 0o644 },
    );
    await super.start();
  }

  protected async greet(): Promise<void> {
    const connection = await connectToPostgres(this.url);
    await connection.end();
  }

  private get file(): string {
    return join(this.directory, 'pgbouncer.ini');
  }
}

/** It refuses to run as root, and the account it runs as may not read this checkout. */
async function copyPrograms({ server, libraries }: PgBouncerPrograms, directory: string): Promise<string> {
  if (libraries.length === 0) return server;
  for (const folder of libraries) await cp(folder, directory, { recursive: true, dereference: true });
  const program = join(directory, basename(server));
  await cp(server, program);
  return program;
}

/** Starts a private pgbouncer; unpacks it first if it is missing and this process may do so. */
export function startPgBouncer(options: PgBouncerOptions): Promise<PgBouncerServer> {
  return PgBouncerServer.create(options);
}
