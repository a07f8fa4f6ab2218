import { setTimeout as delay } from 'node:timers/promises';
import type { RowDataPacket } from 'mysql2';
import type pg from 'pg';
import { connectToPostgres, connectToServer } from './server-connection.js';

export type Row = Record<string, unknown>;

interface Connection {
  query(sql: string): Promise<Row[]>;
  /** At once, even if the server does not answer. */
  destroy(): void;
}

/** A session with a database server, in the database of the URL. It connects on first use, and again after the connection broke. */
export class ServerSession {
  private link: Link | null = null;

  constructor(private readonly url: string) {}

  async ask(sql: string): Promise<Row[]> {
    if (!this.link || this.link.isGone) this.link = new Link(this.url);
    const { link } = this;
    try {
      return await link.ask(sql);
    } catch (error) {
      this.leave(link);
      throw error;
    }
  }

  /** @returns null without an answer in time, because a frozen server accepts connections and never answers. */
  async askWithin(ms: number, sql: string): Promise<Row[] | null> {
    const isOver = new AbortController();
    try {
      const rows = await Promise.race([
        this.ask(sql).catch(() => null),
        delay(ms, 'late' as const, { signal: isOver.signal }),
      ]);
      if (rows !== 'late') return rows;
      this.hangUp();
      return null;
    } finally {
      isOver.abort();
    }
  }

  hangUp(): void {
    if (this.link) this.leave(this.link);
  }

  private leave(link: Link): void {
    link.cut();
    if (this.link === link) this.link = null;
  }
}

/** One connection. Rejects pending statements when it closes; MySQL's driver leaves them pending if the connection is destroyed. */
class Link {
  private readonly connection: Promise<Connection>;
  private readonly end = new AbortController();
  private readonly gone: Promise<never>;

  constructor(url: string) {
    const { signal } = this.end;
    this.gone = new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('The connection to the server is gone.')));
    });
    this.gone.catch(() => undefined);
    const connect = url.startsWith('postgres') ? toPostgres : toMysqld;
    this.connection = connect(url, () => this.end.abort());
    this.connection.catch(() => undefined);
  }

  get isGone(): boolean {
    return this.end.signal.aborted;
  }

  async ask(sql: string): Promise<Row[]> {
    const connection = await Promise.race([this.connection, this.gone]);
    return Promise.race([connection.query(sql), this.gone]);
  }

  cut(): void {
    this.end.abort();
    this.connection.then((connection) => connection.destroy()).catch(() => undefined);
  }
}

async function toMysqld(url: string, onGone: () => void): Promise<Connection> {
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

async function toPostgres(url: string, onGone: () => void): Promise<Connection> {
  const client = await connectToPostgres(url);
  client.once('end', onGone);
  return {
    query: async (sql) => (await client.query<Row>(sql)).rows,
    destroy: () => socketOf(client).destroy(),
  };
}

/** `end()` of the client waits for the server to close its side. */
function socketOf(client: pg.Client): { destroy(): void } {
  return (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream;
}
