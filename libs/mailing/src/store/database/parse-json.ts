/**
 * A JSON column as drivers give it: MySQL's and PostgreSQL's parse it, on MariaDB and SQLite it comes as a text, and options of a
 * driver change that (`jsonStrings` of mysql2, a type parser of pg).
 *
 * Invariant: every JSON of ours is an object or an array, never a text (`{ "is": … }` of a slot is one for that). So a text is always
 * one that the driver has not parsed, whatever the database.
 *
 * @returns null where there is nothing, and for a row that was not written by us and holds something else.
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
