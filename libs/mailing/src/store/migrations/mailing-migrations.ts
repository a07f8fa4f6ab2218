import { CreateMailingTables1764028800000 } from './1764028800000-create-mailing-tables.js';
import { Addresses1764244800000 } from './1764244800000-addresses.js';
import { Batches1764115200000 } from './1764115200000-batches.js';
import { Content1764288000000 } from './1764288000000-content.js';
import { LastCommit1764421200000 } from './1764421200000-last-commit.js';
import { KeptOrder1764424800000 } from './1764424800000-kept-order.js';
import { GuardScores1764417600000 } from './1764417600000-guard-scores.js';
import { Slots1764374400000 } from './1764374400000-slots.js';
import { DeferAndSchedule1764072000000 } from './1764072000000-defer-and-schedule.js';
import { Unsubscribe1764331200000 } from './1764331200000-unsubscribe.js';
import { Attachments1764331200001 } from './1764331200001-attachments.js';

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
  CreateMailingTables1764028800000,
  DeferAndSchedule1764072000000,
  Batches1764115200000,
  Addresses1764244800000,
  Content1764288000000,
  Unsubscribe1764331200000,
  Attachments1764331200001,
  Slots1764374400000,
  GuardScores1764417600000,
  LastCommit1764421200000,
  KeptOrder1764424800000,
];
