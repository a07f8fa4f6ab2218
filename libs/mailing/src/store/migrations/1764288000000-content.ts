import { type MigrationInterface, type QueryRunner, TableColumn } from 'typeorm';
import { TableParts } from './table-parts.js';

/** The one address that every message of a mailing goes to. */
export class Content1764288000000 implements MigrationInterface {
  // The class name is what TypeORM stores; it must not change with a minifier.
  name = 'Content1764288000000';

  async up(runner: QueryRunner): Promise<void> {
    const parts = new TableParts(runner);
    await runner.addColumn(parts.tableName('dps_mailing'), new TableColumn(parts.text('message_to', true)));
  }

  async down(runner: QueryRunner): Promise<void> {
    const parts = new TableParts(runner);
    await runner.dropColumn(parts.tableName('dps_mailing'), 'message_to');
  }
}
