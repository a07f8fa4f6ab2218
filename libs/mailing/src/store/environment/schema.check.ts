import type { DataSource } from 'typeorm';
import { mailingEntities } from '../../model/tables/mailing-entities.js';
import { MailingMigrationsMissingError } from '../../model/options/setup.errors.js';
import { isMissingTable } from '../faults/database-fault.js';
import type { MailingDatabase } from '../database/mailing.database.js';

/**
 * Checks once at start that the tables of this version exist.
 *
 * @throws MailingMigrationsMissingError naming the first table that is missing or lacks a column. Any other answer of the database passes, for
 *   example that it is down.
 */
export async function checkSchema(dataSource: DataSource, database: MailingDatabase): Promise<void> {
  for (const entity of mailingEntities) {
    const { columns, tableName, tablePath } = dataSource.getMetadata(entity);
    const names = columns.map((column) => dataSource.driver.escape(column.databaseName)).join(', ');
    const table = tablePath.split('.').map((part) => dataSource.driver.escape(part));
    try {
      await database.rows(`SELECT ${names} FROM ${table.join('.')} WHERE 1 = 0`);
    } catch (error) {
      if (isMissingTable(error)) throw new MailingMigrationsMissingError(tableName, error);
    }
  }
}
