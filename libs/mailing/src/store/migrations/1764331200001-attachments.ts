import type { MigrationInterface, QueryRunner } from 'typeorm';
import { TableParts } from './table-parts.js';

/** Files that mailings attach, by what is in them. */
export class Attachments1764331200001 implements MigrationInterface {
  // The class name is what TypeORM stores; it must not change with a minifier.
  name = 'Attachments1764331200001';

  async up(runner: QueryRunner): Promise<void> {
    const parts = await TableParts.of(runner);
    await runner.createTable(
      parts.table('dps_mail_attachment', [
        ...parts.key(parts.varchar('hash', 64), parts.int('part')),
        parts.text('content'),
      ]),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable(new TableParts(runner).tableName('dps_mail_attachment'));
  }
}
