import { setTimeout as delay } from 'node:timers/promises';
import { connectToPostgres, connectToServer } from '../support/server-connection.js';
import type { ClusterNode } from './database-cluster.js';

/** A write that takes longer is one that an application could not do. */
const WRITE_DEADLINE_MS = 1_000;

interface Session {
  run(sql: string): Promise<unknown>;
  close(): void;
}

/** Tells by writing, as the application's user, whether a node takes writes. */
export class WriteProbe {
  #session: Promise<Session> | null = null;

  /** @param row of its own, because two that write the same row at different nodes would refuse each other. */
  constructor(
    private readonly node: ClusterNode,
    private readonly row: number,
  ) {}

  static async createTable(node: ClusterNode, rows: number): Promise<void> {
    const session = await connect(node.url);
    try {
      await session.run(`CREATE TABLE ${tableOf(node.url)} (id INT PRIMARY KEY, writes BIGINT NOT NULL)`);
      for (let row = 0; row < rows; row++) {
        await session.run(`INSERT INTO ${tableOf(node.url)} (id, writes) VALUES (${row}, 0)`);
      }
    } finally {
      session.close();
    }
  }

  async succeeds(): Promise<boolean> {
    if (!this.node.isRunning) return this.#giveUp();
    const written = this.#write().then(
      () => true,
      () => false,
    );
    return (await Promise.race([written, delay(WRITE_DEADLINE_MS, false)])) || this.#giveUp();
  }

  close(): void {
    this.#session?.then((session) => session.close()).catch(() => undefined);
    this.#session = null;
  }

  async #write(): Promise<void> {
    this.#session ??= connect(this.node.url);
    const session = await this.#session;
    await session.run(`UPDATE ${tableOf(this.node.url)} SET writes = writes + 1 WHERE id = ${this.row}`);
  }

  #giveUp(): false {
    this.close();
    return false;
  }
}

/** The connection to a MySQL is in no database. */
function tableOf(url: string): string {
  return isPostgres(url) ? 'drill_write' : `${new URL(url).pathname.slice(1)}.drill_write`;
}

function isPostgres(url: string): boolean {
  return url.startsWith('postgres');
}

async function connect(url: string): Promise<Session> {
  if (isPostgres(url)) {
    const client = await connectToPostgres(url);
    // An orderly end would wait for a server that is frozen.
    const socket = (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream;
    return { run: (sql) => client.query(sql), close: () => socket.destroy() };
  }
  const connection = await connectToServer(url);
  connection.on('error', () => undefined);
  return { run: (sql) => connection.query(sql), close: () => connection.destroy() };
}
