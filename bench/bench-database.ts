import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { MariaDbServer } from '../test/support/servers/maria-db.server.js';
import { connectToServer } from '../test/support/databases/server-connection.js';
import { waitUntil } from '../test/support/wait-until.js';
import { cpuMsOf } from './cpu-time.js';

/** Longer than any mailing of a bench takes to become completed after its last message. */
const COMPLETED_DEADLINE_MS = 60_000;

/** One database of the private server, on a connection of the bench. */
export class BenchDatabase {
  #questions = 0;
  #selects = 0;

  private constructor(
    private readonly server: MariaDbServer,
    private readonly connection: Connection,
    private readonly name: string,
  ) {}

  static async create(server: MariaDbServer, name: string): Promise<BenchDatabase> {
    const database = new BenchDatabase(server, await connectToServer(server.url), name);
    await database.run(`CREATE DATABASE ${name}`);
    await database.run(`USE ${name}`);
    return database;
  }

  get url(): string {
    return `${this.server.url}/${this.name}`;
  }

  /** Statements of the bench itself, which are subtracted from those of the plugin. */
  get questions(): number {
    return this.#questions;
  }

  /** How many of them were `SELECT`. */
  get selects(): number {
    return this.#selects;
  }

  async run(sql: string, parameters: unknown[] = []): Promise<void> {
    this.#questions++;
    await this.connection.query(sql, parameters);
  }

  async rows<T>(sql: string, parameters: unknown[] = []): Promise<T[]> {
    this.#questions++;
    if (sql.startsWith('SELECT')) this.#selects++;
    const [rows] = await this.connection.query<RowDataPacket[]>(sql, parameters);
    return rows as T[];
  }

  /** Waits until a mailing whose messages are all sent is completed. @returns seconds from its first claim. */
  async completed(mailingId: string): Promise<number> {
    const look = async (): Promise<{ seconds: string } | undefined> => {
      const [row] = await this.rows<{ seconds: string }>(
        `SELECT TIMESTAMPDIFF(MICROSECOND, start_time, end_time) / 1000000 AS seconds
         FROM dps_mailing WHERE id = ? AND status = 'completed'`,
        [mailingId],
      );
      return row;
    };
    const wait = { what: 'the mailing to be completed', deadlineMs: COMPLETED_DEADLINE_MS };
    return Number((await waitUntil(look, wait)).seconds);
  }

  /** Processor time of the server since its start; null on systems other than Linux. */
  cpuMs(): Promise<number | null> {
    return cpuMsOf(this.server.pid);
  }

  async dispose(): Promise<void> {
    await this.run(`DROP DATABASE ${this.name}`);
    await this.connection.end();
  }
}
