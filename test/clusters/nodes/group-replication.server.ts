import { createDataDirectory, mySqlPrograms, NO_FILES } from '../../support/servers/my-sql.programs.js';
import { MysqldServer } from '../../support/servers/mysqld.server.js';
import { serverDirectory } from '../../support/servers/private-server.js';

/** The same for every member. */
export interface GroupOptions {
  /** All members take writes; default: one is elected. */
  isMultiPrimary?: boolean;
  /** `group_replication_consistency`; default: the server's. */
  consistency?: 'EVENTUAL' | 'BEFORE_ON_PRIMARY_FAILOVER' | 'BEFORE' | 'AFTER' | 'BEFORE_AND_AFTER';
  /** More of the servers' own options. */
  arguments?: readonly string[];
}

/** All groups on this machine may share it, because a member finds its own group by the ports. */
const GROUP_NAME = '4c9e1e35-3d0b-4f0a-9e62-7a3f0e6d5b10';

/**
 * A member that is silent for 5 s, which is fixed, is expelled at once. With a longer timeout the group checks only every 15 s:
 * one second more made a failover take 21 s instead of 6.
 */
const EXPEL_TIMEOUT_S = 0;

/** Cache of messages for other members; the default is 1 GiB. */
const MESSAGE_CACHE_BYTES = 128 * 1024 * 1024;

/**
 * A MySQL server with the plugin. Members use the clients' port among each other, because a port and an address list of the
 * group's own are deprecated.
 */
export class GroupReplicationServer extends MysqldServer {
  /** Addresses of members to join by; without any it does not join. */
  seeds: readonly string[] = [];

  private constructor(
    program: string,
    directory: string,
    firstArguments: readonly string[],
    private readonly serverId: number,
    private readonly group: GroupOptions,
  ) {
    super(program, directory, firstArguments, {});
  }

  static async create(serverId: number, options: GroupOptions): Promise<GroupReplicationServer> {
    const programs = await mySqlPrograms();
    const directory = await serverDirectory('group-replication');
    const server = new GroupReplicationServer(
      programs.program,
      directory,
      // X protocol would listen on a second port, the same for every server of the machine.
      [...programs.arguments, NO_FILES, '--mysqlx=OFF'],
      serverId,
      options,
    );
    return server.startAfter(() => createDataDirectory(programs, server.dataDirectory));
  }

  /** The user is root and has no password. */
  get url(): string {
    return `mysql://root@${this.address}`;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Whether it joins the group when it starts. */
  private get isMember(): boolean {
    return this.seeds.length > 0;
  }

  protected override arguments(): string[] {
    const { isMultiPrimary = false, consistency, arguments: more = [] } = this.group;
    const settings = {
      'start-on-boot': onOff(this.isMember),
      'group-name': GROUP_NAME,
      'communication-stack': 'MYSQL',
      'local-address': this.address,
      'group-seeds': this.seeds.join(','),
      'recovery-get-public-key': 'ON',
      'single-primary-mode': onOff(!isMultiPrimary),
      'enforce-update-everywhere-checks': onOff(isMultiPrimary),
      'member-expel-timeout': EXPEL_TIMEOUT_S,
      'message-cache-size': MESSAGE_CACHE_BYTES,
      ...(consistency && { consistency }),
    };
    return [
      ...super.arguments(),
      `--server-id=${this.serverId}`,
      '--gtid-mode=ON',
      '--enforce-gtid-consistency=ON',
      // The address that members use; the name of the machine may resolve to another one.
      '--report-host=127.0.0.1',
      '--plugin-load-add=group_replication.so',
      // Otherwise a server that the group refuses would take writes of its own.
      `--super-read-only=${onOff(this.isMember)}`,
      ...Object.entries(settings).map(([name, value]) => `--group-replication-${name}=${value}`),
      ...more,
    ];
  }
}

function onOff(isOn: boolean): string {
  return isOn ? 'ON' : 'OFF';
}
