import { type MigrationInterface, type QueryRunner, TableColumn } from 'typeorm';
import { TableParts } from './table-parts.js';

const COLUMN = 'recipient_attachments';

/** Which function makes the files of single recipients. */
export class AddRecipientAttachments1764547200005 implements MigrationInterface {
  // The class name is what TypeORM stores; it must not change with a minifier.
  name = 'AddRecipientAttachments1764547200005';

  /** May be repeated where it was cut off: MySQL and MariaDB commit each statement by itself. */
  async up(runner: QueryRunner): Promise<void> {
    const parts = await TableParts.of(runner);
    const table = parts.tableName('dps_mailing');
    if (await runner.hasColumn(table, COLUMN)) return;
    await runner.addColumn(table, new TableColumn(parts.varchar(COLUMN, 255, true)));
  }

  async down(runner: QueryRunner): Promise<void> {
    const parts = await TableParts.of(runner);
    await runner.dropColumn(parts.tableName('dps_mailing'), COLUMN);
  }
}
