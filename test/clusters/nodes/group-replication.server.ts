import { createDataDirectory, mySqlPrograms, NO_FILES } from '../../support/servers/my-sql.programs.js';
import { MysqldServer } from '../../support/servers/mysqld.server.js';
import { serverDirectory } from '../../support/servers/private-server.js';

/** Of every member the same. */
export interface GroupOptions {
  /** Every member takes writes; default: one is elected. */
  isMultiPrimary?: boolean;
  /** `group_replication_consistency`; default: that of the server. */
  consistency?: 'EVENTUAL' | 'BEFORE_ON_PRIMARY_FAILOVER' | 'BEFORE' | 'AFTER' | 'BEFORE_AND_AFTER';
  /** More of the servers' own options. */
  arguments?: readonly string[];
}

/** Any group on this machine may have it: a member finds its own by the ports. */
const GROUP_NAME = '4c9e1e35-3d0b-4f0a-9e62-7a3f0e6d5b10';

/**
 * A member that is silent for 5 s, which is fixed, is put out of the group at once. With any more patience the group looks only every
 * 15 s whether it is over: a second of it made 21 s of the 6 that a failover took.
 */
const EXPEL_TIMEOUT_S = 0;

/** What a member keeps for others that lost a message; the default is 1 GiB. */
const MESSAGE_CACHE_BYTES = 128 * 1024 * 1024;

/**
 * A MySQL server with the plugin. Members talk to each other over the port of the clients: a port and a list of addresses of the
 * group's own are deprecated.
 */
export class GroupReplicationServer extends MysqldServer {
  /** Addresses of the members that it asks to be let in; while there are none it does not try. */
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

  /** Whether it is to join the group when it starts. */
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
      // Members call each other by it; the name of the machine may stand for another address.
      '--report-host=127.0.0.1',
      '--plugin-load-add=group_replication.so',
      // A server that the group does not let in would take writes of its own otherwise.
      `--super-read-only=${onOff(this.isMember)}`,
      ...Object.entries(settings).map(([name, value]) => `--group-replication-${name}=${value}`),
      ...more,
    ];
  }
}

function onOff(isOn: boolean): string {
  return isOn ? 'ON' : 'OFF';
}
