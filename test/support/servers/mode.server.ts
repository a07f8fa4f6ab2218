import type { Connection } from 'mysql2/promise';
import type { MailingAppOptions } from '../hosts/mailing-app.js';
import { startMariaDb } from './maria-db.server.js';
import { startMySql } from './my-sql.server.js';
import type { PrivateServer } from './private-server.js';
import { connectToServer } from '../databases/server-connection.js';

/** Private servers whose settings a test may change, because no other test uses them. */
const STARTS = {
  mariadb: startMariaDb,
  mysql: startMySql,
};

export type ModeServerKind = keyof typeof STARTS;
export const MODE_SERVER_KINDS = Object.keys(STARTS) as ModeServerKind[];

/** A private server with one database, and a connection of its own that changes settings. */
export class ModeServer implements AsyncDisposable {
  readonly #sqlMode: string;

  private constructor(
    private readonly server: PrivateServer,
    readonly admin: Connection,
    readonly databaseUrl: string,
    sqlMode: string,
  ) {
    this.#sqlMode = sqlMode;
  }

  static async start(kind: ModeServerKind): Promise<ModeServer> {
    const server = await STARTS[kind]();
    const admin = await connectToServer(server.url);
    const [rows] = await admin.query('SELECT @@GLOBAL.sql_mode AS mode');
    await admin.query('CREATE DATABASE newsletter CHARACTER SET utf8mb4');
    await admin.query('USE newsletter');
    // `init_connect` is not run for those with all privileges.
    await admin.query("CREATE USER 'newsletter'@'%'");
    await admin.query("GRANT ALL ON newsletter.* TO 'newsletter'@'%'");
    const databaseUrl = `${server.url.replace('root@', 'newsletter@')}/newsletter`;
    return new ModeServer(server, admin, databaseUrl, (rows as { mode: string }[])[0].mode);
  }

  /** For `mailingApp`: the tables are made at the first start. */
  app(smtpUrl: string): Pick<MailingAppOptions, 'databaseUrl' | 'smtpUrl' | 'dataSource'> {
    return { databaseUrl: this.databaseUrl, smtpUrl, dataSource: { migrationsRun: true } };
  }

  /** Adds SQL modes for all new connections; none: the original mode. */
  async setGlobalMode(...words: string[]): Promise<void> {
    await this.admin.query('SET GLOBAL sql_mode = ?', [[this.#sqlMode, ...words].filter(Boolean).join(',')]);
  }

  /** A statement that the server runs at the start of each new connection; none: the original one. */
  async setInitConnect(statement = ''): Promise<void> {
    await this.admin.query('SET GLOBAL init_connect = ?', [statement]);
  }

  /** Kills all connections of the applications, so that their pools open new ones. */
  async endConnections(): Promise<void> {
    const [rows] = await this.admin.query(
      "SELECT id FROM information_schema.PROCESSLIST WHERE db = 'newsletter' AND id <> CONNECTION_ID()",
    );
    for (const { id } of rows as { id: number }[])
      await this.admin.query(`KILL ${id}`).catch(() => undefined);
  }

  async count(table: string): Promise<number> {
    const [rows] = await this.admin.query(`SELECT COUNT(*) AS n FROM ${table}`);
    return Number((rows as { n: number }[])[0].n);
  }

  /** The next test would send a mailing that a failed test left behind. */
  async emptyTables(): Promise<void> {
    const [tables] = await this.admin.query("SHOW TABLES LIKE 'dps\\_%'");
    for (const name of (tables as object[]).flatMap(Object.values))
      await this.admin.query(`DELETE FROM ${name}`);
  }

  async stop(): Promise<void> {
    this.admin.destroy();
    await this.server.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
