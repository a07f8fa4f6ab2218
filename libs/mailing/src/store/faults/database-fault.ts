import { faultCodeOf, type FaultKind } from './fault-codes.js';

/** Answers to statements that commit: a COMMIT, or a change outside of a transaction, which is a transaction of its own. */
const atCommit = new WeakSet<object>();

/** Marks an error as the answer to a statement that commits. @returns the same error. */
export function answerToCommit(error: unknown): unknown {
  if (typeof error === 'object' && error !== null) atCommit.add(error);
  return error;
}

/** Answers behind which an earlier attempt of the same transaction may have been committed. */
const open = new WeakSet<object>();

/** Marks an error: its transaction may have been committed, whatever its code is. @returns the same error. */
export function withOpenOutcome(error: unknown): unknown {
  if (typeof error === 'object' && error !== null) open.add(error);
  return error;
}

/** What the error says about its transaction (`FAULT_CODES`); null if it says only that the statement failed. */
export function faultKindOf(error: unknown): FaultKind | null {
  if (open.has(error as object)) return 'open';
  const row = faultCodeOf(error);
  if (row === null || !atCommit.has(error as object)) return row?.kind ?? null;
  return row.atCommit ?? (row.kind === 'gone' ? 'open' : row.kind);
}

/**
 * The transaction is rolled back because of a conflict with another one, and may be repeated as a whole. A lock wait timeout alone rolls back only
 * its statement; the caller rolls back the rest.
 */
export function isLockFault(error: unknown): boolean {
  return faultKindOf(error) === 'again';
}

/** The transaction is rolled back on the server that answered, and may be repeated on that server only. */
export function isRefusedByGroup(error: unknown): boolean {
  return faultKindOf(error) === 'again-here';
}

/**
 * The server answers, but writes nothing for as long as the connection leads to it, as after a failover.
 *
 * Never true for SQLite: a file that can't be written has no other server.
 */
export function isNotPrimary(error: unknown): boolean {
  return faultCodeOf(error)?.kind === 'elsewhere';
}

/**
 * Whether an error that `isNotPrimary` proves that its transaction was not committed, so that it may be repeated on another server. Read-only answers
 * prove it, also to a COMMIT: the server rolls back what was written before. A Galera node that leaves its cluster during a COMMIT, or during a
 * change outside of a transaction, proves nothing.
 */
export function provesNoCommit(error: unknown): boolean {
  return faultKindOf(error) === 'elsewhere';
}

/**
 * CHECK constraints of MariaDB and MySQL, a value of the wrong type, the check of a view, a trigger of the host that refuses; their SQL states are
 * too general.
 */
const DATA_FAULTS = new Set([4025, 3819, 1366, 1369, 1644]);

/** Classes of SQL states: data exceptions (22), constraints (23), the check of a view (44); 45, which the standard leaves to the host's triggers. */
const DATA_STATE = /^(2[23]|4[45])\w{3}$/;

/** `routine` of PostgreSQL's answer to RAISE in a function of the host, whatever its code. */
const RAISED = 'exec_stmt_raise';

/**
 * The database refuses a value of a row, and would refuse it again: a constraint, a type, a length, unreadable JSON, a trigger. A fault that may end
 * later is not one of these: a lock, a connection, a disk.
 */
export function isDataFault(error: unknown): boolean {
  const { errno, code, sqlState, routine } = (error ?? {}) as Record<string, unknown>;
  if (faultKindOf(error) !== null) return false;
  if ((typeof errno === 'number' && DATA_FAULTS.has(errno)) || routine === RAISED) return true;
  // MySQL and MariaDB give the SQL state in `sqlState`, PostgreSQL in `code`; 54000 is an index entry that is too large.
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
