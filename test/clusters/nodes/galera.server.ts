import { execFile, type SpawnOptions } from 'node:child_process';
import { chmod, mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { RowDataPacket } from 'mysql2';
import { createDataDirectory, mariaDbPrograms } from '../../support/servers/maria-db.programs.js';
import { MysqldServer } from '../../support/servers/mysqld.server.js';
import { type Account, unprivilegedAccount } from '../../support/servers/postgres.programs.js';
import { serverDirectory } from '../../support/servers/private-server.js';
import { connectToServer } from '../../support/databases/server-connection.js';
import { asRoot } from '../../support/servers/system-programs.js';
import { galeraProgramsIn, type GaleraPrograms } from './galera.programs.js';

const run = promisify(execFile);

/** Ports of one node, all on loopback: clients, the group, and both kinds of state transfer. */
export interface GaleraPorts {
  client: number;
  group: number;
  incremental: number;
  snapshot: number;
}

export interface GaleraServerOptions {
  name: string;
  ports: GaleraPorts;
  /** Ports of all nodes, including this one. */
  groupPorts: readonly number[];
  /** Bootstraps a new cluster; other nodes copy the data of a member. */
  isFirst: boolean;
  /** More of the server's own options. */
  arguments: readonly string[];
}

/** Holds all writes while a node is down, so that it catches up without a copy of all data. */
const GCACHE_SIZE = '256M';
const RECOVER_DEADLINE_MS = 30_000;

/** One node. `greet` succeeds only on a member that has caught up. */
export class GaleraServer extends MysqldServer {
  /** Nodes never run as root, because rsync's daemon would drop its rights and could not write to their files. */
  private account: Account | null = null;
  private startPosition: string | null = null;
  private isBootstrap: boolean;

  private constructor(
    private readonly mariadbd: string,
    directory: string,
    private readonly programs: GaleraPrograms,
    private readonly galera: GaleraServerOptions,
  ) {
    super(mariadbd, directory, ['--no-defaults'], { arguments: [] });
    this.port = galera.ports.client;
    this.isBootstrap = galera.isFirst;
  }

  static async create(options: GaleraServerOptions): Promise<GaleraServer> {
    const mariaDb = await mariaDbPrograms();
    const directory = await serverDirectory('galera');
    const server = new GaleraServer(mariaDb.server, directory, await galeraProgramsIn(directory), options);
    try {
      if (options.isFirst) await createDataDirectory(mariaDb, server.dataDirectory);
      else await mkdir(server.dataDirectory);
      server.account = await unprivilegedAccount();
      await chmod(directory, 0o755);
      if (server.account)
        await run('chown', ['-R', `${server.account.uid}:${server.account.gid}`, directory]);
      await server.start();
      server.isBootstrap = false;
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** The user is root and has no password. */
  get url(): string {
    return `mariadb://root@127.0.0.1:${this.port}`;
  }

  /**
   * Resolves when it is a member. A node that was down is started like the system's service does, with its recovered position,
   * without which a killed node would copy all data again.
   */
  async rejoin(): Promise<void> {
    if (this.pid === undefined) this.startPosition = await this.recoverPosition();
    await this.start();
  }

  protected override get accountArguments(): string[] {
    return this.account ? [] : asRoot();
  }

  protected override get spawnOptions(): SpawnOptions {
    return { ...this.account, cwd: '/', env: { ...process.env, ...this.programs.env } };
  }

  protected override arguments(): string[] {
    const { name, ports, groupPorts, arguments: more } = this.galera;
    const provider = {
      base_port: ports.group,
      'gmcast.listen_addr': `tcp://127.0.0.1:${ports.group}`,
      'ist.recv_addr': `127.0.0.1:${ports.incremental}`,
      'gcache.size': GCACHE_SIZE,
    };
    return [
      ...super.arguments(),
      '--binlog-format=ROW',
      '--innodb-autoinc-lock-mode=2',
      '--wsrep-on=ON',
      `--wsrep-provider=${this.programs.provider}`,
      '--wsrep-cluster-name=drills',
      `--wsrep-cluster-address=gcomm://${groupPorts.map((port) => `127.0.0.1:${port}`).join(',')}`,
      `--wsrep-node-name=${name}`,
      `--wsrep-node-address=127.0.0.1:${ports.group}`,
      `--wsrep-node-incoming-address=127.0.0.1:${ports.client}`,
      '--wsrep-sst-method=rsync',
      `--wsrep-sst-receive-address=127.0.0.1:${ports.snapshot}`,
      `--wsrep-provider-options=${Object.entries(provider)
        .map(([option, value]) => `${option}=${value}`)
        .join(';')}`,
      ...(this.isBootstrap ? ['--wsrep-new-cluster'] : []),
      ...(this.startPosition === null ? [] : [`--wsrep-start-position=${this.startPosition}`]),
      ...more,
    ];
  }

  protected override async greet(): Promise<void> {
    const connection = await connectToServer(this.url);
    try {
      const [rows] = await connection.query<RowDataPacket[]>(
        "SHOW STATUS WHERE variable_name IN ('wsrep_local_state_comment', 'wsrep_cluster_status')",
      );
      const states = rows.map((row) => String(row.Value));
      if (!states.includes('Synced') || !states.includes('Primary')) {
        throw new Error(`${this.galera.name} is ${states.join(', ')}.`);
      }
    } finally {
      connection.destroy();
    }
  }

  private async recoverPosition(): Promise<string | null> {
    const { stdout, stderr } = await run(this.mariadbd, [...this.arguments(), '--wsrep-recover'], {
      ...this.account,
      cwd: '/',
      timeout: RECOVER_DEADLINE_MS,
    });
    return /Recovered position:\s*(\S+)/.exec(stdout + stderr)?.[1] ?? null;
  }
}
