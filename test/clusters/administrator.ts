import type { Connection, RowDataPacket } from 'mysql2/promise';
import { connectToServer } from '../support/server-connection.js';

/** A connection to a MySQL or MariaDB that is made when it is needed, and anew after it broke. */
export class Administrator {
  private connection: Promise<Connection> | null = null;

  constructor(private readonly url: string) {}

  async ask(sql: string): Promise<Record<string, unknown>[]> {
    this.connection ??= connectToServer(this.url);
    const asked = this.connection;
    try {
      const [rows] = await (await asked).query<RowDataPacket[]>(sql);
      return Array.isArray(rows) ? rows : [];
    } catch (error) {
      if (this.connection === asked) this.hangUp();
      throw error;
    }
  }

  /** Waits for nothing: a server that is frozen would not answer. */
  hangUp(): void {
    this.connection?.then((connection) => connection.destroy()).catch(() => undefined);
    this.connection = null;
  }
}
