import type { DataSource } from 'typeorm';

/** Deferred recipients and profiles of past mailings: PostgreSQL scans small tables, whatever indexes they have. */
export async function fillPostgresHistory(dataSource: DataSource): Promise<void> {
  await dataSource.query(
    `INSERT INTO dps_mail_deferred (mailing_id, idx, next_attempt_at)
     SELECT 'past-' || n % 50, n, now() + INTERVAL '1 day' FROM generate_series(1, 5000) n`,
  );
  await dataSource.query(
    `INSERT INTO dps_user_mailing (mailing_id, idx, user_id, status, changed_at)
     SELECT 'past-' || n % 5, n, 'user' || n, 'sent', now() FROM generate_series(1, 20000) n`,
  );
  await dataSource.query('ANALYZE');
}
