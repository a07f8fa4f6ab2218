/**
 * Reads a JSON column as drivers return it. The drivers of MySQL and PostgreSQL parse it; on MariaDB and SQLite it is a string. Driver options change
 * that (`jsonStrings` of mysql2, a type parser of pg).
 *
 * Invariant: every JSON value that the plugin writes is an object or an array, never a string (for this reason a slot is stored as `{ "is": … }`). So
 * a string is always JSON that the driver has not parsed, on every database.
 *
 * @returns null for an empty column, and for a row that the plugin did not write and that holds anything else.
 */
export function parseJson<T extends object>(value: unknown): T | null {
  if (value === null || value === undefined) return null;
  const parsed = typeof value === 'string' ? parsedText(value) : value;
  return typeof parsed === 'object' ? (parsed as T | null) : null;
}

function parsedText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
