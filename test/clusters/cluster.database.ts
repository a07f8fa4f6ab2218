import { setTimeout as delay } from 'node:timers/promises';
import { Mailing, mailingEntities, mailingMigrations } from 'nestjs-mailing';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { mailingDataSourceOptions } from '../../ormconfig.js';
import type { ClusterNode } from './database-cluster.js';
import { WriteProbe } from './write.probe.js';

const ANSWER_DEADLINE_MS = 1_500;

/** The application's database on the node that takes writes, without the hosts and their proxies. */
export class ClusterDatabase {
  #node: ClusterNode | null = null;
  #dataSource: Promise<DataSource> | null = null;

  /** Empties it, and creates the tables of mailings and a row for each probe. */
  static async prepare(writer: ClusterNode, probes: number): Promise<void> {
    const dataSource = await connect(writer);
    try {
      await dataSource.dropDatabase();
      await dataSource.runMigrations();
    } finally {
      await dataSource.destroy();
    }
    await WriteProbe.createTable(writer, probes);
  }

  /** @returns null while the node does not answer. */
  async isCompleted(writer: ClusterNode, id: string): Promise<boolean | null> {
    try {
      const asked = this.of(writer).then((database) =>
        database.getRepository(Mailing).existsBy({ id, status: 'completed' }),
      );
      asked.catch(() => undefined);
      const answer = await Promise.race([asked, delay(ANSWER_DEADLINE_MS, null)]);
      if (answer === null) this.forget();
      return answer;
    } catch {
      this.forget();
      return null;
    }
  }

  of(writer: ClusterNode): Promise<DataSource> {
    if (this.#node !== writer) this.forget();
    this.#node = writer;
    return (this.#dataSource ??= connect(writer));
  }

  /** Does not wait, because a frozen node does not answer. */
  forget(): void {
    void this.#dataSource?.then((dataSource) => dataSource.destroy()).catch(() => undefined);
    this.#dataSource = null;
    this.#node = null;
  }
}

function connect(node: ClusterNode): Promise<DataSource> {
  const options = mailingDataSourceOptions(node.url);
  return new DataSource({
    ...options,
    // A pool of mysql2 checks for idle connections for ever if one is released after the pool was closed.
    ...(options.type === 'postgres' ? {} : { extra: { connectionLimit: 2 } }),
    // The entities of the built package, which is what reads the rows.
    entities: mailingEntities,
    migrations: mailingMigrations,
  } as DataSourceOptions).initialize();
}
