import type { Session } from '../database/mailing.database.js';

/** Inserts the tracking data of a mailing, one statement for each pair; they are few. Lock order: after the mailing's row, in the order given. */
export async function insertTrackingData(
  session: Session,
  mailingId: string,
  trackingData: Record<string, string>,
): Promise<void> {
  for (const [idx, [key, value]] of Object.entries(trackingData).entries()) {
    await session.change(
      `INSERT INTO ${session.tables.mailTrackdata} (mailing_id, map_key, map_value, idx) VALUES (?, ?, ?, ?)`,
      [mailingId, key, value, idx],
    );
  }
}
