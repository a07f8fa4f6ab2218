import { isDataFault } from '../faults/database-fault.js';
import type { Inserted, Session } from '../database/mailing.database.js';

/**
 * Inserts all rows that the database takes as they are, and finds those that it does not: it halves what is refused until a single
 * row is. Duplicates have to be left out before.
 *
 * - A row is refused by an error about its data, by a row less than given (a trigger may drop one without a word), or by a warning: where
 *   the host's `sql_mode` is not strict, MySQL and MariaDB change values instead of refusing them.
 * - Everything else (locks, connections) is no word about a row, and is thrown.
 * - Each try has a savepoint, because PostgreSQL takes nothing more in a transaction after an error.
 * - Cost: three statements where all is well (savepoint, insert, release), up to four for each further try. One refused row of n takes
 *   about 2 log2(n) tries, n of them 2n, all in one transaction that holds the mailing's row.
 *
 * @param insert one statement, or several, for these rows.
 * @returns the refused ones.
 */
export async function insertBisecting<T>(
  session: Session,
  rows: T[],
  insert: (rows: T[]) => Promise<Inserted>,
): Promise<T[]> {
  if (rows.length === 0 || (await isTaken(session, rows, insert))) return [];
  if (rows.length === 1) return rows;
  const half = Math.ceil(rows.length / 2);
  const refused = await insertBisecting(session, rows.slice(0, half), insert);
  return [...refused, ...(await insertBisecting(session, rows.slice(half), insert))];
}

const SAVEPOINT = 'mailing_rows';

async function isTaken<T>(
  session: Session,
  rows: T[],
  insert: (rows: T[]) => Promise<Inserted>,
): Promise<boolean> {
  await session.change(`SAVEPOINT ${SAVEPOINT}`);
  let areTaken = false;
  try {
    const { numRows, numWarnings } = await insert(rows);
    areTaken = numRows === rows.length && (numWarnings === 0 || (await areNotes(session, numWarnings)));
  } catch (error) {
    if (!isDataFault(error)) throw error;
  }
  if (!areTaken) await session.change(`ROLLBACK TO SAVEPOINT ${SAVEPOINT}`);
  await session.change(`RELEASE SAVEPOINT ${SAVEPOINT}`);
  return areTaken;
}

/** Notes say nothing of values. A list that is cut says nothing of the rest. */
async function areNotes(session: Session, numWarnings: number): Promise<boolean> {
  const warnings = await session.rows<{ Level: string }>('SHOW WARNINGS');
  return warnings.length === numWarnings && warnings.every(({ Level }) => Level === 'Note');
}
