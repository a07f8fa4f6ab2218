import { isDataFault } from '../faults/database-fault.js';
import type { Inserted, Session } from '../database/mailing.database.js';

/**
 * Inserts all rows that the database accepts, and finds those that it refuses: it halves a refused set of rows until a single row is left. The caller
 * leaves duplicates out.
 *
 * - A row counts as refused on an error about its data, on fewer rows than given (a trigger may drop one silently), or on a warning: if the host's
 *   `sql_mode` is not strict, MySQL and MariaDB change values instead of refusing them.
 * - Any other error (locks, connections) says nothing about a row, and is thrown.
 * - Each attempt has a savepoint, because PostgreSQL accepts no further statement in a transaction after an error.
 * - Cost: three statements if all rows are accepted (savepoint, insert, release), up to four for each further attempt. One refused row of n takes
 *   about 2 log2(n) attempts, n refused rows take 2n, all in one transaction that locks the mailing's row.
 *
 * @param insert one statement, or several, for these rows.
 * @returns the refused rows.
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

/** Notes are not about values. A truncated list of warnings proves nothing about the rest. */
async function areNotes(session: Session, numWarnings: number): Promise<boolean> {
  const warnings = await session.rows<{ Level: string }>('SHOW WARNINGS');
  return warnings.length === numWarnings && warnings.every(({ Level }) => Level === 'Note');
}
