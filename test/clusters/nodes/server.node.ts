import type { PrivateServer } from '../../support/servers/private-server.js';
import { type Row, ServerSession } from '../../support/databases/server-session.js';
import type { ClusterNode } from '../database-cluster.js';

/** The application's database, and its user. */
export const APPLICATION = 'mailing';
/** `writer()` has to end within a second. */
const ANSWER_DEADLINE_MS = 900;

/** For MySQL and MariaDB. */
export const MAKE_APPLICATION: readonly string[] = [
  `CREATE DATABASE ${APPLICATION} CHARACTER SET utf8mb4`,
  `CREATE USER ${APPLICATION}@'127.0.0.1'`,
  `GRANT ALL ON ${APPLICATION}.* TO ${APPLICATION}@'127.0.0.1'`,
];

/** A private server as a node of a cluster. */
export abstract class ServerNode<Server extends PrivateServer> implements ClusterNode {
  private readonly administrator: ServerSession;
  /** A second connection, because a statement of a drill may take long. */
  private readonly observer: ServerSession;

  constructor(
    readonly name: string,
    readonly server: Server,
  ) {
    this.administrator = new ServerSession(`${server.url}/${APPLICATION}`);
    this.observer = new ServerSession(server.url);
  }

  abstract rejoin(): Promise<void>;

  get url(): string {
    const url = new URL(`/${APPLICATION}`, this.server.url);
    url.username = APPLICATION;
    return url.href;
  }

  get isRunning(): boolean {
    return this.server.pid !== undefined;
  }

  kill(): Promise<void> {
    return this.server.kill();
  }

  shutDown(): Promise<void> {
    return this.server.kill('SIGTERM');
  }

  freeze(): Promise<void> {
    return this.server.freeze();
  }

  thaw(): void {
    this.server.thaw();
  }

  ask(sql: string): Promise<Row[]> {
    return this.administrator.ask(sql);
  }

  /** In one session without a database, which may not exist yet. @returns rows of the last statement. */
  async askInOrder(statements: readonly string[]): Promise<Row[]> {
    const session = new ServerSession(this.server.url);
    try {
      let rows: Row[] = [];
      for (const statement of statements) rows = await session.ask(statement);
      return rows;
    } finally {
      session.hangUp();
    }
  }

  async dispose(): Promise<void> {
    this.administrator.hangUp();
    this.observer.hangUp();
    // The data are removed, and in an orderly shutdown each node would wait for the others.
    await this.server.kill();
    await this.server.stop();
  }

  /** Null if it does not run, or does not answer in time. */
  protected async observe(sql: string): Promise<Row[] | null> {
    return this.isRunning ? this.observer.askWithin(ANSWER_DEADLINE_MS, sql) : null;
  }
}
