import type { MigrationInterface, QueryRunner } from 'typeorm';
import { TableParts } from './table-parts.js';

/** Addresses that nobody may mail, and those that a profile of a mailing has taken. Both are found by their keys alone. */
export class Addresses1764244800000 implements MigrationInterface {
  // The class name is what TypeORM stores; it must not change with a minifier.
  name = 'Addresses1764244800000';

  async up(runner: QueryRunner): Promise<void> {
    const parts = await TableParts.of(runner);
    await runner.createTable(
      parts.table('dps_mail_address_claim', [
        ...parts.key(parts.varchar('mailing_id', 36), parts.varchar('address_key', 22)),
        parts.int('idx'),
      ]),
    );
    await runner.createTable(
      parts.table('dps_mail_suppression', [
        ...parts.key(parts.varchar('address_key', 22)),
        parts.varchar('address', 320),
        parts.varchar('reason', 255),
        parts.time('created_at'),
      ]),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    const parts = new TableParts(runner);
    await runner.dropTable(parts.tableName('dps_mail_suppression'));
    await runner.dropTable(parts.tableName('dps_mail_address_claim'));
  }
}
