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
  return typeof code === 'string' && code.startsWith('SQLITE_CONSTRAINT');
}
