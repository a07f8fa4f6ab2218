import type { MigrationInterface, QueryRunner, Table, TableColumnOptions } from 'typeorm';
import { createTables, dropTables, type TableParts } from './table-parts.js';

/** Mailings, their batches, the servers that send them, and the tracking data of mailings. */
export class CreateMailingTables1764547200000 implements MigrationInterface {
  // The class name is what TypeORM stores; it must not change with a minifier.
  name = 'CreateMailingTables1764547200000';

  up(runner: QueryRunner): Promise<void> {
    return createTables(runner, tablesOf);
  }

  down(runner: QueryRunner): Promise<void> {
    return dropTables(runner, tablesOf);
  }
}

function tablesOf(parts: TableParts): Table[] {
  return [
    mailings(parts),
    batches(parts),
    parts.table('dps_mail_server', [
      ...parts.key(parts.varchar('uniq_server_id', 255)),
      parts.varchar('incarnation', 36),
      parts.varchar('hostname', 255),
      parts.int('pid'),
      parts.varchar('pid_namespace', 100, true),
      parts.flag('takes_batches', false),
      parts.time('started_at'),
      parts.time('last_updated'),
    ]),
    parts.table('dps_mail_trackdata', [
      ...parts.key(parts.varchar('mailing_id', 36), parts.varchar('map_key', 254)),
      parts.varchar('map_value', 254, true),
      parts.count('idx'),
    ]),
  ];
}

function mailings(parts: TableParts): Table {
  return parts.table(
    'dps_mailing',
    [
      ...parts.key(parts.varchar('id', 36)),
      parts.varchar('name', 255, true),
      parts.text('subject'),
      parts.text('from_address'),
      parts.text('reply_to', true),
      parts.text('cc', true),
      parts.text('bcc', true),
      parts.text('message_to', true),
      parts.text('template_url'),
      parts.text('alt_template_url', true),
      parts.json('template_hashes'),
      parts.flag('fill_from_templ', false),
      parts.flag('send_as_html', true),
      parts.flag('send_as_text', true),
      parts.json('params'),
      parts.json('headers'),
      parts.json('attachments'),
      parts.flag('unsubscribe', true),
      parts.varchar('site_id', 255, true),
      parts.varchar('locale', 35, true),
      parts.varchar('batch_exec_id', 255, true),
      parts.flag('is_batched', false),
      parts.int('batch_size', true),
      parts.flag('ignore_fatigue', false),
      parts.varchar('idempotency_key', 255, true),
      parts.varchar('uniq_server_id', 255, true),
      parts.varchar('claim_token', 64, true),
      parts.varchar('status', 16),
      parts.text('status_reason', true),
      parts.count('num_profiles'),
      ...counters(parts),
      parts.count('num_soft_bounces'),
      parts.count('low_water_idx'),
      parts.count('next_idx'),
      parts.count('high_water_idx'),
      ...commits(parts),
      parts.time('created_at'),
      parts.time('scheduled_at', true),
      parts.time('do_not_start_after', true),
    ],
    [
      // Finds the unfinished mailings of one server, at each sweep of each server.
      { name: 'idx_dps_mailing_server', columnNames: ['uniq_server_id', 'status'] },
      // Finds the mailings that have batches to claim, at each poll of each mail server.
      { name: 'idx_dps_mailing_batched', columnNames: ['is_batched', 'status'] },
      // Finds the mailings of one execution, for people and for a scenario that handles an event again.
      { name: 'idx_dps_mailing_execution', columnNames: ['batch_exec_id'] },
      // One mailing per key, also for two concurrent callers. NULLs do not collide.
      { name: 'uq_dps_mailing_idempotency', columnNames: ['idempotency_key'], isUnique: true },
    ],
  );
}

function batches(parts: TableParts): Table {
  return parts.table(
    'dps_mail_batch',
    [
      ...parts.key(parts.varchar('mailing_id', 36), parts.int('start_idx')),
      parts.int('end_idx'),
      parts.varchar('uniq_server_id', 255, true),
      parts.varchar('claim_token', 64, true),
      parts.varchar('status', 16),
      parts.time('not_before'),
      parts.int('num_profiles'),
      ...counters(parts),
      parts.int('low_water_idx'),
      parts.int('next_idx'),
      parts.int('high_water_idx'),
      ...commits(parts),
      parts.flag('is_summarized', false),
    ],
    // Finds the free batches of one mailing, whether it has a claimed one, and all claimed batches.
    [{ name: 'idx_dps_mail_batch_status', columnNames: ['status', 'mailing_id', 'not_before'] }],
  );
}

function counters(parts: TableParts): TableColumnOptions[] {
  return ['num_sent', 'num_errors', 'num_skipped', 'num_bounces'].map((name) => parts.count(name));
}

function commits(parts: TableParts): TableColumnOptions[] {
  return [
    parts.count('commit_seq'),
    parts.time('last_commit_at', true),
    parts.count('suspect_score'),
    parts.count('failure_score'),
    parts.time('start_time', true),
    parts.time('end_time', true),
  ];
}
