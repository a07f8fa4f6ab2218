import {
  type MigrationInterface,
  type QueryRunner,
  Table,
  TableColumn,
  type TableColumnOptions,
  TableIndex,
} from 'typeorm';

const BATCHED_INDEX = 'idx_dps_mailing_batched';

/** Batches of one mailing for several servers, and what servers have to know of each other. */
export class Batches1764115200000 implements MigrationInterface {
  // The class name is what TypeORM stores; it must not change with a minifier.
  name = 'Batches1764115200000';

  async up(runner: QueryRunner): Promise<void> {
    const servers = tableName(runner, 'dps_mail_server');
    await runner.createTable(batches(runner));
    await runner.addColumn(
      servers,
      new TableColumn({ name: 'pid_space', type: 'varchar', length: '100', isNullable: true }),
    );
    await runner.addColumn(servers, new TableColumn(flag(runner, 'takes_batches')));
    // "Which mailings have batches to take", at every look of every mail server.
    await runner.createIndex(
      tableName(runner, 'dps_mailing'),
      new TableIndex({ name: BATCHED_INDEX, columnNames: ['is_batched', 'status'] }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    const servers = tableName(runner, 'dps_mail_server');
    await runner.dropIndex(tableName(runner, 'dps_mailing'), BATCHED_INDEX);
    await runner.dropColumn(servers, 'takes_batches');
    await runner.dropColumn(servers, 'pid_space');
    await runner.dropTable(tableName(runner, 'dps_mail_batch'));
  }
}

function batches(runner: QueryRunner): Table {
  const text = (name: string, length: number, isNullable = false): TableColumnOptions => ({
    name,
    type: 'varchar',
    length: String(length),
    isNullable,
  });
  const int = (name: string): TableColumnOptions => ({ name, type: isMysql(runner) ? 'int' : 'integer' });
  const count = (name: string): TableColumnOptions => ({ ...int(name), default: '0' });
  const time = (name: string, isNullable = true): TableColumnOptions => ({
    name,
    type: 'datetime',
    precision: 3,
    isNullable,
  });
  return new Table({
    name: tableName(runner, 'dps_mail_batch'),
    engine: isMysql(runner) ? 'InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin' : undefined,
    columns: [
      { ...text('mailing_id', 36), isPrimary: true },
      { ...int('start_idx'), isPrimary: true },
      int('end_idx'),
      text('uniq_server_id', 255, true),
      text('claim_token', 64, true),
      text('status', 16),
      time('not_before', false),
      int('num_profiles'),
      count('num_sent'),
      count('num_errors'),
      count('num_skipped'),
      count('num_bounces'),
      int('settled_idx'),
      int('next_idx'),
      count('beat'),
      flag(runner, 'is_summarized'),
      time('start_time'),
      time('end_time'),
    ],
    // "Which is free of this mailing", "is any claimed", "which are claimed at all".
    indices: [{ name: 'idx_dps_mail_batch_status', columnNames: ['status', 'mailing_id', 'not_before'] }],
  });
}

function flag(runner: QueryRunner, name: string): TableColumnOptions {
  return { name, type: isMysql(runner) ? 'tinyint' : 'boolean', default: '0' };
}

function isMysql({ connection: { options } }: QueryRunner): boolean {
  return options.type === 'mysql' || options.type === 'mariadb';
}

function tableName(runner: QueryRunner, name: string): string {
  return `${runner.connection.options.entityPrefix ?? ''}${name}`;
}
