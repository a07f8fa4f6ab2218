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

/** MySQL's and MariaDB's option that forbids a statement (1290): many options do, those that forbid to write have this in their names. */
const READ_ONLY_OPTION = /read[-_]only/i;

/** A transaction that may only read (1792), a server that only reads (1836). */
const READ_ONLY_CODES = new Set([1792, 1836]);

const NOT_PREPARED = 1047;

/**
 * The server answers and would write nothing for as long as the connection leads to it, as after a failover: MySQL's and MariaDB's
 * read-only answers (1290, 1792, 1836), a Galera node outside of the primary component (1047 with `WSREP`), PostgreSQL's
 * 25006, which a standby says too, and its 0A000 where a standby is asked for a serializable transaction.
 *
 * SQLite's is none of these: a file that can't be written has no other server.
 */
export function isNotPrimary(error: unknown): boolean {
  const { errno, code, message } = (error ?? {}) as { errno?: unknown; code?: unknown; message?: unknown };
  const text = typeof message === 'string' ? message : '';
  if (errno === 1290) return READ_ONLY_OPTION.test(text);
  // 1047 alone is a command that the server does not know.
  if (errno === NOT_PREPARED) return text.includes('WSREP');
  if (typeof errno === 'number' && READ_ONLY_CODES.has(errno)) return true;
  return code === '25006' || (code === '0A000' && text.includes('hot standby'));
}

/**
 * Whether an answer that `isNotPrimary` proves that its transaction was not committed, so that it may be done again elsewhere. Read-only
 * answers do, to a COMMIT too: the server rolls back what was written before. Of a Galera node that falls out of its cluster in a COMMIT it is not known.
 */
export function provesNoCommit(error: unknown): boolean {
  const { errno, query } = (error ?? {}) as { errno?: unknown; query?: unknown };
  return errno !== NOT_PREPARED || query !== 'COMMIT';
}

/** MariaDB's and MySQL's CHECK, a value that is not of its type, a view's check, a trigger of the host's that refuses; their states are too general. */
const DATA_FAULTS = new Set([4025, 3819, 1366, 1369, 1644]);

/** Classes of states: data exceptions, constraints, the check of a view, and 45, which the standard leaves to the host's triggers. */
const DATA_STATE = /^(2[23]|4[45])\w{3}$/;

/** PostgreSQL's answer to RAISE in a function of the host's, whatever code that chooses. */
const RAISED = 'exec_stmt_raise';

/**
 * The database refuses a value of a row, and would refuse it again: a constraint, a type, a length, JSON that it can't read, a
 * trigger. A fault that a later try could end is not one of these: a lock, a connection, a disk.
 */
export function isDataFault(error: unknown): boolean {
  const { errno, code, sqlState, routine } = (error ?? {}) as Record<string, unknown>;
  if (isLockFault(error)) return false;
  if ((typeof errno === 'number' && DATA_FAULTS.has(errno)) || routine === RAISED) return true;
  // MySQL and MariaDB say the state, PostgreSQL has it in the code; 54000 is an index entry that is too large.
  if ([sqlState, code].some((state) => typeof state === 'string' && DATA_STATE.test(state))) return true;
  return typeof code === 'string' && /^(54000$|P0001$|SQLITE_(CONSTRAINT|TOOBIG|MISMATCH))/.test(code);
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
