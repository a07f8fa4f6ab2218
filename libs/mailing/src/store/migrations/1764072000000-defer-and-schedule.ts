import {
  type MigrationInterface,
  type QueryRunner,
  Table,
  TableColumn,
  type TableColumnOptions,
} from 'typeorm';

const nullableTime = (name: string): TableColumnOptions => ({
  name,
  type: 'datetime',
  precision: 3,
  isNullable: true,
});

/** Recipients that wait for another attempt, and the last moment at which a mailing may begin. */
export class DeferAndSchedule1764072000000 implements MigrationInterface {
  // The class name is what TypeORM stores; it must not change with a minifier.
  name = 'DeferAndSchedule1764072000000';

  async up(runner: QueryRunner): Promise<void> {
    const { options } = runner.connection;
    const isMysql = options.type === 'mysql' || options.type === 'mariadb';
    await runner.createTable(
      new Table({
        name: tableName(runner, 'dps_mail_deferred'),
        engine: isMysql ? 'InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin' : undefined,
        columns: [
          { name: 'mailing_id', type: 'varchar', length: '36', isPrimary: true },
          { name: 'idx', type: isMysql ? 'int' : 'integer', isPrimary: true },
          nullableTime('next_attempt_at'),
        ],
        // "Who is due", once for each beat of a mailing that has somebody here.
        indices: [{ name: 'idx_dps_mail_deferred_due', columnNames: ['mailing_id', 'next_attempt_at'] }],
      }),
    );
    await runner.addColumn(
      tableName(runner, 'dps_mailing'),
      new TableColumn(nullableTime('do_not_start_after')),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropColumn(tableName(runner, 'dps_mailing'), 'do_not_start_after');
    await runner.dropTable(tableName(runner, 'dps_mail_deferred'));
  }
}

function tableName(runner: QueryRunner, name: string): string {
  return `${runner.connection.options.entityPrefix ?? ''}${name}`;
}
