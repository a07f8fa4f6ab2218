import type { DataSource } from 'typeorm';
import type { HarmfulSetting } from '../../model/errors/database-setting.errors.js';
import { mailingEntities } from '../../model/tables/mailing-entities.js';
import type { MailingDatabase } from '../database/mailing.database.js';
import { placeholders } from '../database/placeholders.js';

/**
 * Finds, once at start, columns of MySQL's type JSON, which sorts the keys of an object. TypeORM's `synchronize` makes such columns; the
 * migrations do not.
 *
 * Rejected: another type of the entity on MySQL, so that `synchronize` makes a text. TypeORM changes the type of a column by dropping the column, so
 * hosts with columns of type JSON would lose their content.
 */
export async function findSortingColumns(
  dataSource: DataSource,
  database: MailingDatabase,
): Promise<HarmfulSetting[]> {
  if (database.dialect.name !== 'mysql') return [];
  const tables = mailingEntities.map((entity) => dataSource.getMetadata(entity).tableName);
  const columns = await database.rows<{ place: string }>(
    `SELECT CONCAT(TABLE_NAME, '.', COLUMN_NAME) AS place FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = DATABASE() AND DATA_TYPE = 'json' AND TABLE_NAME IN (${placeholders(tables)})
     ORDER BY 1`,
    tables,
  );
  return columns.map(({ place }) => ({
    setting: `the type of ${place}`,
    value: 'json',
    expected: 'longtext',
    consequence: 'MySQL sorts the keys of objects in it, so templates and headers have them in another order',
    nextStep:
      'Change the column to LONGTEXT CHARACTER SET utf8mb4, or make the tables by the migrations of the plugin.',
  }));
}
