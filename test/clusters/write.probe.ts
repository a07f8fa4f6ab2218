import { setTimeout as delay } from 'node:timers/promises';
import { ServerSession } from '../support/databases/server-session.js';
import type { ClusterNode } from './database-cluster.js';

export type WriteAnswer = 'written' | 'refused' | 'late';

/** A slower write counts as failed. */
const WRITE_DEADLINE_MS = 1_000;

/** Checks by writing, as the application's user, whether a node takes writes. */
export class WriteProbe {
  readonly #session: ServerSession;

  /** @param row of its own, because two probes that write the same row at different nodes would conflict. */
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

  async try(): Promise<WriteAnswer> {
    if (!this.node.isRunning) return 'refused';
    const written = this.#session
      .ask(`UPDATE drill_write SET writes = writes + 1 WHERE id = ${this.row}`)
      .then(
        () => 'written' as const,
        () => 'refused' as const,
      );
    const answer = await Promise.race([written, delay(WRITE_DEADLINE_MS, 'late' as const)]);
    // A frozen node would answer only when it is thawed.
    if (answer === 'late') this.#session.hangUp();
    return answer;
  }

  close(): void {
    this.#session.hangUp();
  }
}
