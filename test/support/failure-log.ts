import type { Logger } from 'typeorm';

/** The host's log, of which only failed statements are kept. */
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
