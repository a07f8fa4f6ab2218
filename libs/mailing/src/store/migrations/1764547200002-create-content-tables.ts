import type { MigrationInterface, QueryRunner, Table } from 'typeorm';
import { createTables, dropTables, type TableParts } from './table-parts.js';

/** Templates and attachments as they were when their mailing was sent, and the contents of slots. */
export class CreateContentTables1764547200002 implements MigrationInterface {
  // The class name is what TypeORM stores; it must not change with a minifier.
  name = 'CreateContentTables1764547200002';

  up(runner: QueryRunner): Promise<void> {
    return createTables(runner, tablesOf);
  }

  down(runner: QueryRunner): Promise<void> {
    return dropTables(runner, tablesOf);
  }
}

function tablesOf(parts: TableParts): Table[] {
  return [
    parts.table('dps_mail_template', [...parts.key(parts.varchar('hash', 64)), parts.json('content')]),
    parts.table('dps_mail_attachment', [
      ...parts.key(parts.varchar('hash', 64), parts.int('part')),
      parts.text('content'),
    ]),
    parts.table('dps_mail_slot', [
      // Read once for each commit, for some profiles of one mailing: the key in this order is the index.
      ...parts.key(
        parts.varchar('mailing_id', 36),
        parts.varchar('user_id', 255),
        parts.varchar('slot', 100),
      ),
      parts.json('content'),
    ]),
  ];
}
