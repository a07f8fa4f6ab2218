import type { MigrationInterface, QueryRunner, Table, TableColumnOptions } from 'typeorm';
import { createTables, dropTables, TableParts } from './table-parts.js';

/** The statuses at the time of this migration: a migration never changes, the model may. */
const STATUSES = ['pending', 'sending', 'deferred', 'sent', 'error', 'skipped', 'in_doubt'];

/** Recipients (profiles and plain addresses), deferred recipients, claimed addresses, and suppressed addresses. */
export class CreateRecipientTables1764547200001 implements MigrationInterface {
  // The class name is what TypeORM stores; it must not change with a minifier.
  name = 'CreateRecipientTables1764547200001';

  up(runner: QueryRunner): Promise<void> {
    return createTables(runner, tablesOf);
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropTables(runner, tablesOf);
    const parts = await TableParts.of(runner);
    // TypeORM makes the types with their tables, but does not drop them.
    for (const type of parts.typesOf('status', ['dps_email_address', 'dps_user_mailing']))
      await runner.query(`DROP TYPE ${type}`);
  }
}

function tablesOf(parts: TableParts): Table[] {
  const recipient = (): TableColumnOptions[] => parts.key(parts.varchar('mailing_id', 36), parts.int('idx'));
  return [
    parts.table(
      'dps_user_mailing',
      [...recipient(), parts.varchar('user_id', 255), ...outcome(parts)],
      // One recipient of a mailing for each profile, however often the list names it.
      [{ name: 'uq_dps_user_mailing_user', columnNames: ['mailing_id', 'user_id'], isUnique: true }],
    ),
    parts.table(
      'dps_email_address',
      [
        ...recipient(),
        parts.varchar('email_address', 320),
        parts.varchar('display_name', 255, true),
        parts.varchar('address_key', 22),
        parts.json('data'),
        ...outcome(parts),
      ],
      // One recipient of a mailing for each mailbox, however it is spelled.
      [{ name: 'uq_dps_email_address_key', columnNames: ['mailing_id', 'address_key'], isUnique: true }],
    ),
    parts.table(
      'dps_mail_deferred',
      [...recipient(), parts.time('next_attempt_at', true)],
      // Finds the due recipients, once for each commit of a mailing that has deferred ones.
      [{ name: 'idx_dps_mail_deferred_due', columnNames: ['mailing_id', 'next_attempt_at'] }],
    ),
    // Both are found by their keys alone.
    parts.table('dps_mail_address_claim', [
      ...parts.key(parts.varchar('mailing_id', 36), parts.varchar('address_key', 22)),
      parts.int('idx'),
    ]),
    parts.table('dps_mail_suppression', [
      ...parts.key(parts.varchar('address_key', 22)),
      parts.varchar('address', 320),
      parts.varchar('reason', 255),
      parts.time('created_at'),
    ]),
  ];
}

function outcome(parts: TableParts): TableColumnOptions[] {
  return [
    parts.words('status', STATUSES),
    parts.count('attempts'),
    parts.time('next_attempt_at', true),
    parts.time('changed_at'),
    parts.varchar('error_code', 64, true),
    parts.varchar('error_text', 1000, true),
  ];
}
