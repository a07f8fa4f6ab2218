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
 * - The server is asked what it is: MariaDB has a `longtext` already, whatever the data source calls it.
 * - It may be repeated where it was cut off, which MySQL does not roll back: a `longtext` is changed to one at no cost.
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
    if (await isMysql(runner)) await changeTo(runner, 'longtext');
  }

  /** A value that is no JSON by then stops it, with MySQL's error. */
  async down(runner: QueryRunner): Promise<void> {
    if (await isMysql(runner)) await changeTo(runner, 'json');
    await runner.dropColumn(new TableParts(runner).tableName('dps_mail_trackdata'), 'idx');
  }
}

async function changeTo(runner: QueryRunner, type: string): Promise<void> {
  const { driver } = runner.connection;
  const parts = new TableParts(runner);
  for (const [table, columns] of Object.entries(JSON_COLUMNS)) {
    const changes = columns.map((column) => `MODIFY ${driver.escape(column)} ${type} NULL`);
    await runner.query(`ALTER TABLE ${driver.escape(parts.tableName(table))} ${changes.join(', ')}`);
  }
}

/** And not MariaDB, whose `longtext` has a check that makes it JSON. */
async function isMysql(runner: QueryRunner): Promise<boolean> {
  const { type } = runner.connection.options;
  if (type !== 'mysql' && type !== 'mariadb') return false;
  const [{ version }] = (await runner.query('SELECT VERSION() AS version')) as { version: string }[];
  return !version.includes('MariaDB');
}
