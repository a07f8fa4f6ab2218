import type { Session } from '../database/mailing.database.js';

/** A list below that is read as a whole within a few milliseconds, whatever the plan. */
const LIST_WORTH_IT = 10_000;

/**
 * Tells a database that plans by statistics alone of a list that has just been written.
 *
 * PostgreSQL takes a mailing it has never seen for one row, if those it has seen make up the tables. Then an index on
 * `mailing_id` and anything else seems as good as any other, and it reads the whole list for each statement of a commit:
 * 25 ms for each of them with 150,000 profiles. Its own look at the tables comes a minute later, or when a tenth of them is new,
 * which a list beside a hundred million recipients is not.
 *
 * - Locks nothing that anybody else needs; a table that is being looked at already is left out (`SKIP_LOCKED`).
 * - Samples 30,000 pages of a table at most, however long it is: some tenths of a second, for lists that took longer to write.
 * - Rejected: hints in the statements, which PostgreSQL does not know.
 */
export async function refreshStatistics(session: Session, numProfiles: number): Promise<void> {
  const { dialect, tables } = session;
  if (dialect.analyze === null || numProfiles < LIST_WORTH_IT) return;
  const lists = [tables.emailAddress, tables.userMailing, tables.mailSlot];
  // Whose tables they are not is only warned. Whatever else it is, the list is written, and what comes next will tell.
  await session.change(`${dialect.analyze} ${lists.join(', ')}`).catch(() => undefined);
}
