import { type MigrationInterface, type QueryRunner, Table, type TableColumnOptions } from 'typeorm';

/**
 * Whole tables in `utf8mb4_bin`, whatever the default of the database: names and subjects may hold any character, and
 * ids of profiles are compared to the letter (`aB` and `Ab` are two people).
 */
const MYSQL_ENGINE = 'InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';

const text = (name: string, isNullable = false): TableColumnOptions => ({ name, type: 'text', isNullable });
const varchar = (name: string, length: number, isNullable = false): TableColumnOptions => ({
  name,
  type: 'varchar',
  length: String(length),
  isNullable,
});
const json = (name: string): TableColumnOptions => ({ name, type: 'json', isNullable: true });

/** Tables of the first version: mailings, both kinds of recipients, servers, tracking data. */
export class CreateMailingTables1764028800000 implements MigrationInterface {
  // The class name is what TypeORM stores; it must not change with a minifier.
  name = 'CreateMailingTables1764028800000';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of tablesOf(runner)) await runner.createTable(table);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of tablesOf(runner).reverse()) await runner.dropTable(table);
  }
}

function tablesOf(runner: QueryRunner): Table[] {
  const { options } = runner.connection;
  const isMysql = options.type === 'mysql' || options.type === 'mariadb';
  const flag = (name: string, value: boolean): TableColumnOptions =>
    isMysql
      ? { name, type: 'tinyint', default: value ? '1' : '0' }
      : { name, type: 'boolean', default: value ? '1' : '0' };
  // SQLite knows both spellings, but TypeORM would alter a column whose spelling is not its own.
  const int = (name: string, isNullable = false): TableColumnOptions => ({
    name,
    type: isMysql ? 'int' : 'integer',
    isNullable,
  });
  const count = (name: string): TableColumnOptions => ({ ...int(name), default: '0' });
  const time = (name: string, isNullable = false): TableColumnOptions => ({
    name,
    type: 'datetime',
    precision: 3,
    isNullable,
  });
  const key = (...columns: TableColumnOptions[]): TableColumnOptions[] =>
    columns.map((column) => ({ ...column, isPrimary: true }));
  const outcome = (): TableColumnOptions[] => [
    varchar('status', 16),
    count('attempts'),
    time('next_attempt_at', true),
    time('settled_at', true),
    varchar('error_code', 64, true),
    varchar('error_text', 1000, true),
  ];
  const table = (
    name: string,
    columns: TableColumnOptions[],
    indices: { name: string; columnNames: string[]; isUnique?: boolean }[] = [],
  ): Table =>
    new Table({
      name: `${options.entityPrefix ?? ''}${name}`,
      engine: isMysql ? MYSQL_ENGINE : undefined,
      columns,
      indices,
    });

  return [
    table(
      'dps_mailing',
      [
        ...key(varchar('id', 36)),
        varchar('name', 255, true),
        text('subject'),
        varchar('uniq_server_id', 255, true),
        varchar('claim_token', 64, true),
        text('from_address'),
        text('reply_to', true),
        text('cc', true),
        text('bcc', true),
        text('template_url'),
        text('alt_template_url', true),
        flag('fill_from_templ', false),
        flag('send_as_html', true),
        flag('send_as_text', true),
        json('params'),
        json('headers'),
        json('attachments'),
        varchar('site_id', 255, true),
        varchar('locale', 35, true),
        varchar('batch_exec_id', 255, true),
        flag('is_batched', false),
        int('batch_size', true),
        flag('ignore_fatigue', false),
        varchar('idempotency_key', 255, true),
        varchar('status', 16),
        text('status_reason', true),
        count('num_profiles'),
        count('num_sent'),
        count('num_errors'),
        count('num_skipped'),
        count('num_bounces'),
        count('num_soft_bounces'),
        count('settled_idx'),
        count('next_idx'),
        count('beat'),
        time('created_at'),
        time('scheduled_at', true),
        time('start_time', true),
        time('end_time', true),
      ],
      [
        // "What is unfinished of this server", at every sweep of every server.
        { name: 'idx_dps_mailing_server', columnNames: ['uniq_server_id', 'status'] },
        // One mailing a key, also for two callers at the same moment. NULLs do not collide.
        { name: 'uq_dps_mailing_idempotency', columnNames: ['idempotency_key'], isUnique: true },
      ],
    ),
    table(
      'dps_user_mailing',
      [...key(varchar('mailing_id', 36), int('idx')), varchar('user_id', 255), ...outcome()],
      // Nobody twice in one mailing, however often he is listed.
      [{ name: 'uq_dps_user_mailing_user', columnNames: ['mailing_id', 'user_id'], isUnique: true }],
    ),
    table(
      'dps_email_address',
      [
        ...key(varchar('mailing_id', 36), int('idx')),
        varchar('email_address', 320),
        varchar('display_name', 255, true),
        varchar('address_key', 64),
        json('data'),
        ...outcome(),
      ],
      // No mailbox twice in one mailing, however it is spelled.
      [{ name: 'uq_dps_email_address_key', columnNames: ['mailing_id', 'address_key'], isUnique: true }],
    ),
    table('dps_mail_server', [
      ...key(varchar('uniq_server_id', 255)),
      varchar('incarnation', 36),
      varchar('hostname', 255),
      int('pid'),
      time('started_at'),
      time('last_updated'),
    ]),
    table('dps_mail_trackdata', [
      ...key(varchar('mailing_id', 36), varchar('map_key', 254)),
      varchar('map_value', 254, true),
    ]),
  ];
}
