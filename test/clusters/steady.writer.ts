import { setTimeout as delay } from 'node:timers/promises';
import { type Row, ServerSession } from '../support/databases/server-session.js';
import type { DatabaseCluster } from './database-cluster.js';

const PAUSE_MS = 20;
const ANSWER_DEADLINE_MS = 1_000;

/** An application that writes one row after another to the writer, and knows which ones were accepted. */
export class SteadyWriter {
  /** Ids of the rows whose commit was accepted. */
  readonly accepted: number[] = [];
  private isOver = false;

  private constructor(private readonly cluster: DatabaseCluster) {}

  static async start(cluster: DatabaseCluster): Promise<SteadyWriter> {
    const session = new ServerSession((await cluster.writer())!.url);
    await session.ask('CREATE TABLE note (id INT PRIMARY KEY)');
    session.hangUp();
    return new SteadyWriter(cluster);
  }

  /** Writes until `step` settles. */
  async during<T>(step: () => Promise<T>): Promise<T> {
    this.isOver = false;
    const work = this.work();
    try {
      return await step();
    } finally {
      this.isOver = true;
      await work;
    }
  }

  private async work(): Promise<void> {
    for (let id = (this.accepted.at(-1) ?? 0) + 1; !this.isOver;) {
      const node = await this.cluster.writer();
      const session = node && new ServerSession(node.url);
      // A row whose answer got lost may exist, so its number is not used again.
      while (session && (await insert(session, id))) {
        this.accepted.push(id++);
        if (this.isOver) break;
        await delay(PAUSE_MS);
      }
      session?.hangUp();
      id++;
      await delay(PAUSE_MS);
    }
  }
}

async function insert(session: ServerSession, id: number): Promise<boolean> {
  return (await session.askWithin(ANSWER_DEADLINE_MS, `INSERT INTO note (id) VALUES (${id})`)) !== null;
}

/** The ids that `ask` finds. */
export async function notesAt(node: { ask(sql: string): Promise<Row[]> }): Promise<number[]> {
  return (await node.ask('SELECT id FROM note ORDER BY id')).map(({ id }) => Number(id));
}
