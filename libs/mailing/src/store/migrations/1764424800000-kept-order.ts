import { type MigrationInterface, type QueryRunner, TableColumn } from 'typeorm';
import { TableParts } from './table-parts.js';

const JSON_COLUMNS: Record<string, string[]> = {
  dps_mailing: ['template_hashes', 'params', 'headers', 'attachments'],
  dps_email_address: ['data'],
  dps_mail_slot: ['content'],
  dps_mail_template: ['content'],
};

/**
 * What templates iterate over, and headers, keep the order that the host gave.
 *
 * MySQL's type JSON sorts the keys of an object by length. A text keeps what the host gave; MariaDB, SQLite and PostgreSQL store one anyway.
 * For TypeORM the entities stay `json`: it takes a `longtext` for that type, also on MySQL, so hosts that compare the entities with
 * their database find no difference. JSON functions of the database work on both.
 *
 * - The server is asked what its columns are, because MariaDB has a `longtext` already, whatever the data source calls it. So the
 *   migration may also be repeated where it was cut off, which MySQL does not roll back.
 * - MySQL copies the tables, and their rows can't be written meanwhile. Keys of rows that are there keep the order that MySQL gave them.
 * - Rejected: the order in one more key of each object, which costs its bytes in each row and a pass over each value that is read, and which
 *   operators would see among the host's; JSON in a JSON string, whose inside no JSON function reaches.
 */
export class KeptOrder1764424800000 implements MigrationInterface {
  // The class name is what TypeORM stores; it must not change with a minifier.
  name = 'KeptOrder1764424800000';

  async up(runner: QueryRunner): Promise<void> {
    const parts = new TableParts(runner);
    const trackdata = parts.tableName('dps_mail_trackdata');
    if (!(await runner.hasColumn(trackdata, 'idx')))
      await runner.addColumn(trackdata, new TableColumn(parts.count('idx')));
    if (isMysqlDriver(runner)) await change(runner, 'json', 'longtext');
  }

  /** A value that is no JSON by then stops it, with MySQL's error. */
  async down(runner: QueryRunner): Promise<void> {
    if (await isMysqlServer(runner)) await change(runner, 'longtext', 'json');
    await runner.dropColumn(new TableParts(runner).tableName('dps_mail_trackdata'), 'idx');
  }
}

async function change(runner: QueryRunner, from: string, to: string): Promise<void> {
  const { driver } = runner.connection;
  const parts = new TableParts(runner);
  for (const [name, columns] of Object.entries(JSON_COLUMNS)) {
    const table = parts.tableName(name);
    const rows = (await runner.query(
      `SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS
       WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND DATA_TYPE = ?`,
      [table, from],
    )) as { name: string }[];
    const found = new Set(rows.map((row) => row.name));
    const changes = columns
      .filter((column) => found.has(column))
      .map((column) => `MODIFY ${driver.escape(column)} ${to} NULL`);
    if (changes.length > 0) await runner.query(`ALTER TABLE ${driver.escape(table)} ${changes.join(', ')}`);
  }
}

function isMysqlDriver(runner: QueryRunner): boolean {
  const { type } = runner.connection.options;
  return type === 'mysql' || type === 'mariadb';
}

/** And not MariaDB, whose `longtext` has a check that makes it JSON. */
async function isMysqlServer(runner: QueryRunner): Promise<boolean> {
  if (!isMysqlDriver(runner)) return false;
  const [{ version }] = (await runner.query('SELECT VERSION() AS version')) as { version: string }[];
  return !version.includes('MariaDB');
}
