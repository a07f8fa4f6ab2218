import { setTimeout as delay } from 'node:timers/promises';
import type { RowDataPacket } from 'mysql2';
import type pg from 'pg';
import { connectToPostgres, connectToServer } from './server-connection.js';

export type Row = Record<string, unknown>;

interface Link {
  query(sql: string): Promise<Row[]>;
  /** At once, also when the server answers nothing. */
  destroy(): void;
}

/** A session with a database server, in the database that the URL names. It is begun when it is needed, and anew after it broke. */
export class ServerSession {
  private link: Promise<Link> | null = null;

  constructor(private readonly url: string) {}

  async ask(sql: string): Promise<Row[]> {
    const link = (this.link ??= this.connect());
    try {
      return await (await link).query(sql);
    } catch (error) {
      this.forget(link);
      throw error;
    }
  }

  /** @returns null where no answer came in time, or none at all: a server that is frozen takes connections and says nothing. */
  async askWithin(ms: number, sql: string): Promise<Row[] | null> {
    const isOver = new AbortController();
    try {
      const answer = this.ask(sql).catch(() => null);
      const rows = await Promise.race([
        answer,
        delay(ms, undefined, { signal: isOver.signal }).then(() => 'late' as const),
      ]);
      if (rows !== 'late') return rows;
      this.hangUp();
      return null;
    } finally {
      isOver.abort();
    }
  }

  hangUp(): void {
    if (this.link) this.forget(this.link);
  }

  private forget(link: Promise<Link>): void {
    if (this.link === link) this.link = null;
    link.then((open) => open.destroy()).catch(() => undefined);
  }

  private connect(): Promise<Link> {
    const link: Promise<Link> = (this.url.startsWith('postgres') ? toPostgres : toServer)(this.url, () =>
      this.forget(link),
    );
    return link;
  }
}

async function toServer(url: string, onGone: () => void): Promise<Link> {
  const connection = await connectToServer(url);
  connection.on('error', onGone);
  connection.on('end', onGone);
  const database = new URL(url).pathname.slice(1);
  if (database) await connection.query(`USE ${database}`);
  return {
    async query(sql) {
      const [rows] = await connection.query<RowDataPacket[]>(sql);
      return Array.isArray(rows) ? rows : [];
    },
    destroy: () => connection.destroy(),
  };
}

async function toPostgres(url: string, onGone: () => void): Promise<Link> {
  const client = await connectToPostgres(url);
  client.once('end', onGone);
  return {
    query: async (sql) => (await client.query<Row>(sql)).rows,
    destroy: () => socketOf(client).destroy(),
  };
}

/** `end()` of the client waits until the server has said good-bye. */
function socketOf(client: pg.Client): { destroy(): void } {
  return (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream;
}
