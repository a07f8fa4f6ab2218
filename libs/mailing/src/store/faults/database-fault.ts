import { faultCodeOf, type FaultKind } from './fault-codes.js';

/** Answers to statements that commit: a COMMIT, or a change outside of a transaction, which is a transaction of its own. */
const atCommit = new WeakSet<object>();

/** Says that this is the answer to a statement that commits. @returns the same error. */
export function answerToCommit(error: unknown): unknown {
  if (typeof error === 'object' && error !== null) atCommit.add(error);
  return error;
}

/** Answers behind which an earlier attempt of their transaction may have been committed. */
const open = new WeakSet<object>();

/** Says that the transaction of this answer may have been committed, whatever its code is. @returns the same error. */
export function withOpenOutcome(error: unknown): unknown {
  if (typeof error === 'object' && error !== null) open.add(error);
  return error;
}

/** What the answer says about its transaction (`FAULT_CODES`); null if nothing but that the statement failed. */
export function faultKindOf(error: unknown): FaultKind | null {
  if (open.has(error as object)) return 'open';
  const row = faultCodeOf(error);
  if (row === null || !atCommit.has(error as object)) return row?.kind ?? null;
  return row.atCommit ?? (row.kind === 'gone' ? 'open' : row.kind);
}

/**
 * The transaction is rolled back for a conflict with another one, and may be done again as a whole. A lock wait timeout alone rolls back
 * no more than its statement; the caller rolls back the rest.
 */
export function isLockFault(error: unknown): boolean {
  return faultKindOf(error) === 'again';
}

/** It is rolled back on the server that answered, and may be done again there and nowhere else. */
export function isRefusedByGroup(error: unknown): boolean {
  return faultKindOf(error) === 'again-here';
}

/**
 * The server answers and would write nothing for as long as the connection leads to it, as after a failover.
 *
 * SQLite's is none of these: a file that can't be written has no other server.
 */
export function isNotPrimary(error: unknown): boolean {
  return faultCodeOf(error)?.kind === 'elsewhere';
}

/**
 * Whether an answer that `isNotPrimary` proves that its transaction was not committed, so that it may be done again elsewhere. Read-only
 * answers do, to a COMMIT too: the server rolls back what was written before. Of a Galera node that falls out of its cluster in a COMMIT,
 * or in a change outside of a transaction, it is not known.
 */
export function provesNoCommit(error: unknown): boolean {
  return faultKindOf(error) === 'elsewhere';
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
  if (faultKindOf(error) !== null) return false;
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
