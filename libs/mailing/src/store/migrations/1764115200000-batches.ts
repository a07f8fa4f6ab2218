import { type MigrationInterface, type QueryRunner, TableColumn, TableIndex } from 'typeorm';
import { TableParts } from './table-parts.js';

/** Batches of one mailing for several servers, and what servers have to know of each other. */
export class Batches1764115200000 implements MigrationInterface {
  // The class name is what TypeORM stores; it must not change with a minifier.
  name = 'Batches1764115200000';

  async up(runner: QueryRunner): Promise<void> {
    const parts = await TableParts.of(runner);
    const servers = parts.tableName('dps_mail_server');
    await runner.createTable(
      parts.table(
        'dps_mail_batch',
        [
          ...parts.key(parts.varchar('mailing_id', 36), parts.int('start_idx')),
          parts.int('end_idx'),
          parts.varchar('uniq_server_id', 255, true),
          parts.varchar('claim_token', 64, true),
          parts.varchar('status', 16),
          parts.time('not_before'),
          parts.int('num_profiles'),
          parts.count('num_sent'),
          parts.count('num_errors'),
          parts.count('num_skipped'),
          parts.count('num_bounces'),
          parts.int('low_water_idx'),
          parts.int('next_idx'),
          parts.int('high_water_idx'),
          parts.count('commit_seq'),
          parts.flag('is_summarized', false),
          parts.time('start_time', true),
          parts.time('end_time', true),
        ],
        // "Which is free of this mailing", "is any claimed", "which are claimed at all".
        [{ name: 'idx_dps_mail_batch_status', columnNames: ['status', 'mailing_id', 'not_before'] }],
      ),
    );
    await runner.addColumn(servers, new TableColumn(parts.varchar('pid_namespace', 100, true)));
    await runner.addColumn(servers, new TableColumn(parts.flag('takes_batches', false)));
    // "Which mailings have batches to take", at every look of every mail server.
    await runner.createIndex(
      parts.tableName('dps_mailing'),
      new TableIndex({
        name: parts.indexName('idx_dps_mailing_batched'),
        columnNames: ['is_batched', 'status'],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    const parts = new TableParts(runner);
    const servers = parts.tableName('dps_mail_server');
    await runner.dropIndex(parts.tableName('dps_mailing'), parts.indexName('idx_dps_mailing_batched'));
    await runner.dropColumn(servers, 'takes_batches');
    await runner.dropColumn(servers, 'pid_namespace');
    await runner.dropTable(parts.tableName('dps_mail_batch'));
  }
}
