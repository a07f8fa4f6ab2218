import { type MigrationInterface, type QueryRunner, TableColumn } from 'typeorm';
import { TableParts } from './table-parts.js';

const TABLES = ['dps_mailing', 'dps_mail_batch'];
const COLUMN = 'last_commit_at';

/** When the run of a slice has written something last. */
export class LastCommit1764421200000 implements MigrationInterface {
  // The class name is what TypeORM stores; it must not change with a minifier.
  name = 'LastCommit1764421200000';

  async up(runner: QueryRunner): Promise<void> {
    const parts = new TableParts(runner);
    for (const table of TABLES)
      await runner.addColumn(parts.tableName(table), new TableColumn(parts.time(COLUMN, true)));
  }

  async down(runner: QueryRunner): Promise<void> {
    const parts = new TableParts(runner);
    for (const table of TABLES) await runner.dropColumn(parts.tableName(table), COLUMN);
  }
}
