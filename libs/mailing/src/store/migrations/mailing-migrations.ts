import { CreateMailingTables1764547200000 } from './1764547200000-create-mailing-tables.js';
import { CreateRecipientTables1764547200001 } from './1764547200001-create-recipient-tables.js';
import { CreateContentTables1764547200002 } from './1764547200002-create-content-tables.js';
import { AddTransportColumns1764547200003 } from './1764547200003-add-transport-columns.js';
import { AddTextOptions1764547200004 } from './1764547200004-add-text-options.js';
import { AddRecipientAttachments1764547200005 } from './1764547200005-add-recipient-attachments.js';

/**
 * The migrations of the plugin, for MySQL, MariaDB, PostgreSQL and SQLite alike; they honour `entityPrefix` and, on
 * PostgreSQL, `schema`.
 *
 * @example
 * ```ts
 * TypeOrmModule.forRoot({ type: 'mariadb', url, migrations: [...mailingMigrations], migrationsRun: true });
 * ```
 */
export const mailingMigrations = [
  CreateMailingTables1764547200000,
  CreateRecipientTables1764547200001,
  CreateContentTables1764547200002,
  AddTransportColumns1764547200003,
  AddTextOptions1764547200004,
  AddRecipientAttachments1764547200005,
];
