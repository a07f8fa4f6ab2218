/**
 * Errors of locks, after which a transaction that is rolled back may be done again as a whole: deadlock (1213), lock wait
 * timeout (1205), record changed since last read (1020), SQLite busy or locked, PostgreSQL's deadlock (40P01),
 * serialization failure (40001) and lock not available (55P03). A lock wait timeout alone rolls back no more than its
 * statement; the caller rolls back the rest.
 */
export function isLockFault(error: unknown): boolean {
  const { errno, code } = (error ?? {}) as { errno?: unknown; code?: unknown };
  if (errno === 1213 || errno === 1205 || errno === 1020) return true;
  return typeof code === 'string' && /^(SQLITE_(BUSY|LOCKED)|40P01$|40001$|55P03$)/.test(code);
}

/** MariaDB's and MySQL's CHECK, a value that is none of its type, a trigger of the host's that says no; none has a state of its own. */
const DATA_FAULTS = new Set([4025, 3819, 1366, 1644]);

/**
 * The database refuses a value of a row, and would refuse it again: a constraint, a type, a length, JSON that it takes for none, a
 * trigger. Nothing that a later try could mend is one: a lock, a connection, a disk.
 */
export function isDataFault(error: unknown): boolean {
  const { errno, code, sqlState } = (error ?? {}) as { errno?: unknown; code?: unknown; sqlState?: unknown };
  if (isLockFault(error)) return false;
  if (typeof errno === 'number' && DATA_FAULTS.has(errno)) return true;
  // Of MySQL and MariaDB by the state, of PostgreSQL by the code: data exceptions, constraints, an index entry that is too large.
  if (typeof sqlState === 'string' && /^2[23]/.test(sqlState)) return true;
  return (
    typeof code === 'string' && /^(2[23]\w{3}$|54000$|P0001$|SQLITE_(CONSTRAINT|TOOBIG|MISMATCH))/.test(code)
  );
}

/** The table or one of its columns does not exist: the migrations have not run. */
export function isMissingTable(error: unknown): boolean {
  const { errno, code, message } = (error ?? {}) as { errno?: unknown; code?: unknown; message?: unknown };
  if (errno === 1146 || errno === 1054 || code === '42P01' || code === '42703') return true;
  return typeof message === 'string' && /no such (table|column)/.test(message);
}

/** A unique key has this value already. */
export function isDuplicateKey(error: unknown): boolean {
  const { errno, code } = (error ?? {}) as { errno?: unknown; code?: unknown };
  if (errno === 1062 || code === '23505') return true;
  return typeof code === 'string' && /^SQLITE_CONSTRAINT(_PRIMARYKEY|_UNIQUE)?$/.test(code);
}
