import type { BenchDatabase } from '../bench-database.js';
import type { Host } from '../scaling/scaling.round.js';

/** Bytes of a recipient on disk, by whole pages of InnoDB; more in fragmented tables. */
export interface RowWeights {
  recipients: number;
  /** Rows of `dps_email_address` as they are written. */
  pending: TableWeight;
  /** The same rows after all were sent. */
  sent: TableWeight;
  /** A row of `dps_mail_batch` with its index. */
  batchBytes: number;
}

export interface TableWeight {
  dataBytes: number;
  indexBytes: number;
}

const BATCH_SIZE = 100;
const TOMORROW_MS = 86_400_000;
/** Rows of one update. A run writes fewer at a time, which makes no difference to the pages. */
const CHUNK = 1_000;

/** Writes a list, and measures its size as written and with the outcomes that a run would write. */
export async function weighRows(
  database: BenchDatabase,
  host: Host,
  recipients: number,
): Promise<RowWeights> {
  await emptyTables(database);
  const mailingId = await host.ask('send', { recipients, batchSize: BATCH_SIZE, inMs: TOMORROW_MS });
  const pending = await weigh(database, 'dps_email_address', recipients);
  for (let from = 0; from < recipients; from += CHUNK) {
    await database.run(
      `UPDATE dps_email_address SET status = 'sent', attempts = 1, changed_at = NOW(3)
       WHERE mailing_id = ? AND idx >= ? AND idx < ?`,
      [mailingId, from, from + CHUNK],
    );
  }
  const sent = await weigh(database, 'dps_email_address', recipients);
  const batch = await weigh(database, 'dps_mail_batch', Math.ceil(recipients / BATCH_SIZE));
  return { recipients, pending, sent, batchBytes: batch.dataBytes + batch.indexBytes };
}

/** Otherwise rows of earlier mailings would be measured, too. */
async function emptyTables(database: BenchDatabase): Promise<void> {
  for (const table of ['dps_email_address', 'dps_mail_batch', 'dps_mailing']) {
    await database.run(`TRUNCATE TABLE ${table}`);
  }
}

async function weigh(database: BenchDatabase, table: string, rows: number): Promise<TableWeight> {
  await database.rows(`ANALYZE TABLE ${table}`);
  const [weight] = await database.rows<{ data_bytes: number; index_bytes: number }>(
    `SELECT DATA_LENGTH AS data_bytes, INDEX_LENGTH AS index_bytes FROM information_schema.TABLES
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?`,
    [table],
  );
  const perRow = (bytes: number): number => Math.round((10 * Number(bytes)) / rows) / 10;
  return { dataBytes: perRow(weight.data_bytes), indexBytes: perRow(weight.index_bytes) };
}
