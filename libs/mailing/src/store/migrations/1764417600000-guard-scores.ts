import { type MigrationInterface, type QueryRunner, TableColumn } from 'typeorm';
import { TableParts } from './table-parts.js';

const TABLES = ['dps_mailing', 'dps_mail_batch'];
const COLUMNS = ['suspect_score', 'failure_score'];

/** What the error guard remembers of the attempts of a slice. */
export class GuardScores1764417600000 implements MigrationInterface {
  // The class name is what TypeORM stores; it must not change with a minifier.
  name = 'GuardScores1764417600000';

  async up(runner: QueryRunner): Promise<void> {
    const parts = new TableParts(runner);
    for (const table of TABLES) {
      const columns = COLUMNS.map((column) => new TableColumn(parts.count(column)));
      await runner.addColumns(parts.tableName(table), columns);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    const parts = new TableParts(runner);
    for (const table of TABLES) await runner.dropColumns(parts.tableName(table), COLUMNS);
  }
}
