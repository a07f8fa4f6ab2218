import type { Session } from '../database/mailing.database.js';

/** A shorter list is read as a whole within a few milliseconds, whatever the plan. */
const LIST_WORTH_IT = 10_000;

/**
 * Refreshes the statistics of a database that plans by statistics alone, after a list was written.
 *
 * PostgreSQL estimates a mailing that is not in its statistics at one row, if the mailings that are there make up the tables. Any index that starts
 * with `mailing_id` then seems as good as any other, and each statement of a commit reads the whole list: 25 ms per statement with 150,000 profiles.
 * PostgreSQL's own refresh comes up to a minute later, and only if a tenth of a table is new. Next to a hundred million recipients, one list is less
 * than that.
 *
 * - Locks nothing that other sessions need; a table that is being analyzed already is left out (`SKIP_LOCKED`).
 * - Samples at most 30,000 pages per table, whatever its size: some tenths of a second, for lists that took longer to write.
 * - Rejected: hints in the statements, which PostgreSQL does not know.
 */
export async function refreshStatistics(session: Session, numProfiles: number): Promise<void> {
  const { dialect, tables } = session;
  if (dialect.analyze === null || numProfiles < LIST_WORTH_IT) return;
  const lists = [tables.emailAddress, tables.userMailing, tables.mailSlot];
  // A user who does not own the tables gets only a warning. Any other error is ignored: the list is written, and the next statement will show it.
  await session.change(`${dialect.analyze} ${lists.join(', ')}`).catch(() => undefined);
}
