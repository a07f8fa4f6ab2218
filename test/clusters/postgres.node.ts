import type { PostgresServer } from '../support/postgres.server.js';
import { ServerSession } from '../support/server-session.js';
import type { TcpProxy } from '../support/tcp-proxy.js';
import type { ClusterNode } from './database-cluster.js';

export const APPLICATION = 'mailing';
/** `writer()` promises a second, and has to come to its end within. */
const ANSWER_DEADLINE_MS = 900;

/** What the manager of the nodes does at steps of one. */
export interface PostgresManager {
  beforeShutDown(node: PostgresNode): Promise<void>;
  rejoin(node: PostgresNode): Promise<void>;
}

export class PostgresNode implements ClusterNode {
  /** Whose copy it is; null: its own history. */
  follows: PostgresNode | null = null;
  private readonly administrator: ServerSession;
  /** Beside the other: a statement of a drill may take long. */
  private readonly observer: ServerSession;

  constructor(
    readonly name: string,
    readonly server: PostgresServer,
    private readonly manager: PostgresManager,
    /** Before it, for its standby; null: that one comes directly. */
    readonly proxy: TcpProxy | null,
  ) {
    this.administrator = new ServerSession(`${server.url}/${APPLICATION}`);
    this.observer = new ServerSession(server.url);
  }

  get url(): string {
    return `${this.server.url.replace('postgres@', `${APPLICATION}@`)}/${APPLICATION}`;
  }

  /** Where its standby takes what it writes. */
  get sourceUrl(): string {
    return this.proxy?.url ?? this.server.url;
  }

  get isRunning(): boolean {
    return this.server.pid !== undefined;
  }

  kill(): Promise<void> {
    return this.server.kill();
  }

  async shutDown(): Promise<void> {
    await this.manager.beforeShutDown(this);
    // It does not wait for clients, and for the standby until that has everything.
    await this.server.kill('SIGINT');
  }

  rejoin(): Promise<void> {
    return this.manager.rejoin(this);
  }

  freeze(): void {
    this.server.freeze();
  }

  thaw(): void {
    this.server.thaw();
  }

  ask(sql: string): Promise<Record<string, unknown>[]> {
    return this.administrator.ask(sql);
  }

  async takesWrites(): Promise<boolean> {
    if (!this.isRunning) return false;
    const rows = await this.observer.askWithin(
      ANSWER_DEADLINE_MS,
      'SELECT pg_is_in_recovery() AS "only reads"',
    );
    return rows?.[0]['only reads'] === false;
  }

  /** Which standby its commits wait for; null: none. */
  async waitFor(standby: PostgresNode | null): Promise<void> {
    await this.ask(`ALTER SYSTEM SET synchronous_standby_names = '${standby?.name ?? ''}'`);
    await this.ask('SELECT pg_reload_conf()');
  }

  async dispose(): Promise<void> {
    this.administrator.hangUp();
    this.observer.hangUp();
    await this.server.kill();
    await this.server.stop();
    await this.proxy?.close();
  }
}
