import { type MigrationInterface, type QueryRunner, TableColumn } from 'typeorm';
import { TableParts } from './table-parts.js';

/** By which transport the messages of a mailing leave, and where their bounces go. */
export class AddTransportColumns1764547200003 implements MigrationInterface {
  // The class name is what TypeORM stores; it must not change with a minifier.
  name = 'AddTransportColumns1764547200003';

  async up(runner: QueryRunner): Promise<void> {
    const parts = await TableParts.of(runner);
    // It may be repeated where it was cut off: MySQL and MariaDB commit each statement by itself.
    for (const column of columnsOf(parts)) {
      const isThere = await runner.hasColumn(parts.tableName('dps_mailing'), column.name);
      if (!isThere) await runner.addColumn(parts.tableName('dps_mailing'), column);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    const parts = await TableParts.of(runner);
    for (const { name } of columnsOf(parts)) await runner.dropColumn(parts.tableName('dps_mailing'), name);
  }
}

function columnsOf(parts: TableParts): TableColumn[] {
  return [parts.varchar('transporter_name', 255, true), parts.text('envelope_from', true)].map(
    (column) => new TableColumn(column),
  );
}
