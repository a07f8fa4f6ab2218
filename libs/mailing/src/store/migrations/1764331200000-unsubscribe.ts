import { type MigrationInterface, type QueryRunner, TableColumn } from 'typeorm';
import { TableParts } from './table-parts.js';

/** Whether the messages of a mailing say how to unsubscribe; those that are under way do, as all others. */
export class Unsubscribe1764331200000 implements MigrationInterface {
  // The class name is what TypeORM stores; it must not change with a minifier.
  name = 'Unsubscribe1764331200000';

  async up(runner: QueryRunner): Promise<void> {
    const parts = new TableParts(runner);
    await runner.addColumn(parts.tableName('dps_mailing'), new TableColumn(parts.flag('unsubscribe', true)));
  }

  async down(runner: QueryRunner): Promise<void> {
    const parts = new TableParts(runner);
    await runner.dropColumn(parts.tableName('dps_mailing'), 'unsubscribe');
  }
}
