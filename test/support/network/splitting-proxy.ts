import { type DynamicModule, Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { getDataSourceToken } from '@nestjs/typeorm';
import { DataSource, type QueryRunner } from 'typeorm';
import { dataSourceOptionsOf } from '../../../src/database/data-source.options.js';
import type { SERVER_KINDS } from '../databases/database-kinds.js';

type ServerKind = (typeof SERVER_KINDS)[number];

/** Statements that proxies send to a replica: reads without locks. */
const IS_QUESTION = /^\s*(\/\*[^]*?\*\/\s*)?SELECT\b(?![^]*(FOR (UPDATE|SHARE)|LOCK IN SHARE MODE)\s*$)/i;
/** pgpool leaves a statement alone that begins with a comment. */
const BEGINS_WITH_COMMENT = /^\s*\/\*/;

/**
 * A read/write split between an application and its database, as by ProxySQL and MaxScale (for MySQL and MariaDB) or pgpool:
 * writes go to the primary server, and reads outside of transactions to a replica. On PostgreSQL, as with pgpool, a transaction
 * that has written nothing yet reads from the replica, too.
 */
export class SplittingProxy {
  /** Statements that went to the replica. */
  readonly asked: string[] = [];

  constructor(
    private readonly kind: ServerKind,
    private readonly replicaUrl: string,
  ) {}

  /** Options of an application whose statements are split. */
  get module(): DynamicModule {
    const { asked, kind, replicaUrl } = this;
    @Injectable()
    class Splitting implements OnApplicationShutdown {
      readonly #replica = new DataSource(dataSourceOptionsOf(replicaUrl));

      constructor(@Inject(getDataSourceToken()) dataSource: DataSource) {
        const made = dataSource.createQueryRunner.bind(dataSource);
        const answer = (sql: string, rest: unknown[]): Promise<unknown> => this.#ask(sql, rest);
        dataSource.createQueryRunner = (mode) => split(made(mode), kind, answer);
      }

      onApplicationShutdown(): Promise<void> {
        return this.#replica.isInitialized ? this.#replica.destroy() : Promise.resolve();
      }

      async #ask(sql: string, [parameters, isStructured]: unknown[]): Promise<unknown> {
        asked.push(sql);
        this.#ready ??= this.#replica.initialize();
        await this.#ready;
        const runner = this.#replica.createQueryRunner('master');
        try {
          return await runner.query(sql, parameters as unknown[], isStructured as true);
        } finally {
          await runner.release();
        }
      }

      #ready: Promise<unknown> | null = null;
    }
    return { module: Splitting, providers: [Splitting] };
  }
}

function split(
  runner: QueryRunner,
  kind: ServerKind,
  askReplica: (sql: string, rest: unknown[]) => Promise<unknown>,
): QueryRunner {
  const run = runner.query.bind(runner) as (sql: string, ...rest: unknown[]) => Promise<unknown>;
  let hasWritten = false;
  const onReplica = (sql: string): boolean => {
    if (!IS_QUESTION.test(sql)) return false;
    if (kind !== 'postgres') return !runner.isTransactionActive;
    return !BEGINS_WITH_COMMENT.test(sql) && !(runner.isTransactionActive && hasWritten);
  };
  runner.query = ((sql: string, ...rest: unknown[]) => {
    if (onReplica(sql)) return askReplica(sql, rest);
    hasWritten ||= /^\s*(INSERT|UPDATE|DELETE)/i.test(sql);
    if (/^\s*START TRANSACTION/i.test(sql)) hasWritten = false;
    return run(sql, ...rest);
  }) as QueryRunner['query'];
  return runner;
}
