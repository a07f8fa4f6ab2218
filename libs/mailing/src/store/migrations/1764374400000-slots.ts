import { type MigrationInterface, type QueryRunner, TableIndex } from 'typeorm';
import { TableParts } from './table-parts.js';

/** Content of slots, kept with its mailing; and the mailings of one execution. */
export class Slots1764374400000 implements MigrationInterface {
  // The class name is what TypeORM stores; it must not change with a minifier.
  name = 'Slots1764374400000';

  async up(runner: QueryRunner): Promise<void> {
    const parts = await TableParts.of(runner);
    await runner.createTable(
      parts.table('dps_mail_slot', [
        // "What do these profiles see", once for each commit: the key in this order is its index.
        ...parts.key(
          parts.varchar('mailing_id', 36),
          parts.varchar('user_id', 255),
          parts.varchar('slot', 100),
        ),
        parts.json('content'),
      ]),
    );
    // "How does this execution stand", asked by people and by whoever handles an event again.
    await runner.createIndex(
      parts.tableName('dps_mailing'),
      new TableIndex({
        name: parts.indexName('idx_dps_mailing_execution'),
        columnNames: ['batch_exec_id'],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    const parts = new TableParts(runner);
    await runner.dropIndex(parts.tableName('dps_mailing'), parts.indexName('idx_dps_mailing_execution'));
    await runner.dropTable(parts.tableName('dps_mail_slot'));
  }
}
