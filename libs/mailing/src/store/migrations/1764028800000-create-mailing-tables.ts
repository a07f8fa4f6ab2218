import type { MigrationInterface, QueryRunner, Table, TableColumnOptions } from 'typeorm';
import { TableParts } from './table-parts.js';

/** As they were then; a migration never changes, the model may. */
const STATUSES = ['pending', 'sending', 'deferred', 'sent', 'error', 'skipped', 'in_doubt'];

/** Tables of the first version: mailings, both kinds of recipients, servers, tracking data. */
export class CreateMailingTables1764028800000 implements MigrationInterface {
  // The class name is what TypeORM stores; it must not change with a minifier.
  name = 'CreateMailingTables1764028800000';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of await tablesOf(runner)) await runner.createTable(table);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of (await tablesOf(runner)).reverse()) await runner.dropTable(table);
    // TypeORM makes the types with their tables, and leaves them there.
    for (const type of new TableParts(runner).typesOf('status', ['dps_email_address', 'dps_user_mailing']))
      await runner.query(`DROP TYPE ${type}`);
  }
}

async function tablesOf(runner: QueryRunner): Promise<Table[]> {
  const parts = await TableParts.of(runner);
  const outcome = (): TableColumnOptions[] => [
    parts.words('status', STATUSES),
    parts.count('attempts'),
    parts.time('next_attempt_at', true),
    parts.time('changed_at'),
    parts.varchar('error_code', 64, true),
    parts.varchar('error_text', 1000, true),
  ];
  return [
    parts.table(
      'dps_mailing',
      [
        ...parts.key(parts.varchar('id', 36)),
        parts.varchar('name', 255, true),
        parts.text('subject'),
        parts.varchar('uniq_server_id', 255, true),
        parts.varchar('claim_token', 64, true),
        parts.text('from_address'),
        parts.text('reply_to', true),
        parts.text('cc', true),
        parts.text('bcc', true),
        parts.text('template_url'),
        parts.text('alt_template_url', true),
        parts.flag('fill_from_templ', false),
        parts.flag('send_as_html', true),
        parts.flag('send_as_text', true),
        parts.json('params'),
        parts.json('headers'),
        parts.json('attachments'),
        parts.varchar('site_id', 255, true),
        parts.varchar('locale', 35, true),
        parts.varchar('batch_exec_id', 255, true),
        parts.flag('is_batched', false),
        parts.int('batch_size', true),
        parts.flag('ignore_fatigue', false),
        parts.varchar('idempotency_key', 255, true),
        parts.varchar('status', 16),
        parts.text('status_reason', true),
        parts.count('num_profiles'),
        parts.count('num_sent'),
        parts.count('num_errors'),
        parts.count('num_skipped'),
        parts.count('num_bounces'),
        parts.count('num_soft_bounces'),
        parts.count('low_water_idx'),
        parts.count('next_idx'),
        parts.count('high_water_idx'),
        parts.count('commit_seq'),
        parts.time('created_at'),
        parts.time('scheduled_at', true),
        parts.time('start_time', true),
        parts.time('end_time', true),
      ],
      [
        // "What is unfinished of this server", at every sweep of every server.
        { name: 'idx_dps_mailing_server', columnNames: ['uniq_server_id', 'status'] },
        // One mailing a key, also for two callers at the same moment. NULLs do not collide.
        { name: 'uq_dps_mailing_idempotency', columnNames: ['idempotency_key'], isUnique: true },
      ],
    ),
    parts.table(
      'dps_user_mailing',
      [
        ...parts.key(parts.varchar('mailing_id', 36), parts.int('idx')),
        parts.varchar('user_id', 255),
        ...outcome(),
      ],
      // Nobody twice in one mailing, however often he is listed.
      [{ name: 'uq_dps_user_mailing_user', columnNames: ['mailing_id', 'user_id'], isUnique: true }],
    ),
    parts.table(
      'dps_email_address',
      [
        ...parts.key(parts.varchar('mailing_id', 36), parts.int('idx')),
        parts.varchar('email_address', 320),
        parts.varchar('display_name', 255, true),
        parts.varchar('address_key', 22),
        parts.json('data'),
        ...outcome(),
      ],
      // No mailbox twice in one mailing, however it is spelled.
      [{ name: 'uq_dps_email_address_key', columnNames: ['mailing_id', 'address_key'], isUnique: true }],
    ),
    parts.table('dps_mail_server', [
      ...parts.key(parts.varchar('uniq_server_id', 255)),
      parts.varchar('incarnation', 36),
      parts.varchar('hostname', 255),
      parts.int('pid'),
      parts.time('started_at'),
      parts.time('last_updated'),
    ]),
    parts.table('dps_mail_trackdata', [
      ...parts.key(parts.varchar('mailing_id', 36), parts.varchar('map_key', 254)),
      parts.varchar('map_value', 254, true),
    ]),
  ];
}
