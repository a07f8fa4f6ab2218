import type { Logger } from 'typeorm';

/** A TypeORM logger of the host that keeps only failed statements. */
export class FailureLog implements Logger {
  readonly failures: string[] = [];

  logQueryError(_error: string | Error, query: string): void {
    this.failures.push(query);
  }

  logQuery(): void {}
  logQuerySlow(): void {}
  logSchemaBuild(): void {}
  logMigration(): void {}
  log(): void {}
}
