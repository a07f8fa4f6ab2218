import { type MigrationInterface, type QueryRunner, TableColumn } from 'typeorm';
import { TableParts } from './table-parts.js';

/** Recipients that wait for another attempt, and the last moment at which a mailing may begin. */
export class DeferAndSchedule1764072000000 implements MigrationInterface {
  // The class name is what TypeORM stores; it must not change with a minifier.
  name = 'DeferAndSchedule1764072000000';

  async up(runner: QueryRunner): Promise<void> {
    const parts = await TableParts.of(runner);
    await runner.createTable(
      parts.table(
        'dps_mail_deferred',
        [
          ...parts.key(parts.varchar('mailing_id', 36), parts.int('idx')),
          parts.time('next_attempt_at', true),
        ],
        // "Who is due", once for each commit of a mailing that has somebody here.
        [{ name: 'idx_dps_mail_deferred_due', columnNames: ['mailing_id', 'next_attempt_at'] }],
      ),
    );
    await runner.addColumn(
      parts.tableName('dps_mailing'),
      new TableColumn(parts.time('do_not_start_after', true)),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    const parts = new TableParts(runner);
    await runner.dropColumn(parts.tableName('dps_mailing'), 'do_not_start_after');
    await runner.dropTable(parts.tableName('dps_mail_deferred'));
  }
}
