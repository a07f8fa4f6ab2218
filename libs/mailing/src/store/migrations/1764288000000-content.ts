import { type MigrationInterface, type QueryRunner, TableColumn } from 'typeorm';
import { TableParts } from './table-parts.js';

/** What a mailing was written to show, kept with it, and the one address that every message may go to. */
export class Content1764288000000 implements MigrationInterface {
  // The class name is what TypeORM stores; it must not change with a minifier.
  name = 'Content1764288000000';

  async up(runner: QueryRunner): Promise<void> {
    const parts = await TableParts.of(runner);
    const mailings = parts.tableName('dps_mailing');
    await runner.createTable(
      parts.table('dps_mail_template', [...parts.key(parts.varchar('hash', 64)), parts.json('content')]),
    );
    await runner.addColumn(mailings, new TableColumn(parts.text('message_to', true)));
    await runner.addColumn(mailings, new TableColumn(parts.json('template_hashes')));
  }

  async down(runner: QueryRunner): Promise<void> {
    const parts = new TableParts(runner);
    const mailings = parts.tableName('dps_mailing');
    await runner.dropColumn(mailings, 'template_hashes');
    await runner.dropColumn(mailings, 'message_to');
    await runner.dropTable(parts.tableName('dps_mail_template'));
  }
}
