import { ServerSession } from '../support/server-session.js';
import type { ClusterNode } from './database-cluster.js';

/** A write that takes longer is one that an application could not do. */
const WRITE_DEADLINE_MS = 1_000;

/** Tells by writing, as the application's user, whether a node takes writes. */
export class WriteProbe {
  readonly #session: ServerSession;

  /** @param row of its own, because two that write the same row at different nodes would refuse each other. */
  constructor(
    private readonly node: ClusterNode,
    private readonly row: number,
  ) {
    this.#session = new ServerSession(node.url);
  }

  static async createTable(node: ClusterNode, rows: number): Promise<void> {
    const session = new ServerSession(node.url);
    try {
      await session.ask('CREATE TABLE drill_write (id INT PRIMARY KEY, writes BIGINT NOT NULL)');
      for (let row = 0; row < rows; row++) await session.ask(`INSERT INTO drill_write VALUES (${row}, 0)`);
    } finally {
      session.hangUp();
    }
  }

  async succeeds(): Promise<boolean> {
    if (!this.node.isRunning) return false;
    const sql = `UPDATE drill_write SET writes = writes + 1 WHERE id = ${this.row}`;
    return (await this.#session.askWithin(WRITE_DEADLINE_MS, sql)) !== null;
  }

  close(): void {
    this.#session.hangUp();
  }
}
